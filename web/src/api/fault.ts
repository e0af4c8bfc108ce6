// What went wrong with a request, in words: what happened, and what to do next. The four surfaces spell errors in four ways.

export class Fault extends Error {
  override readonly name = 'Fault';
  constructor(
    /** 0: no answer came. */
    readonly status: number,
    readonly code: string,
    /** One or more whole sentences. */
    override readonly message: string,
    readonly trackingId?: string,
    readonly retryAfter?: number,
  ) {
    super(message);
  }
}

const record = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);

/** "ErrorCode:DeviceNotFound;A sentence." of hubs, or JSON in a text. */
function hubMessage(message: string): { code?: string; sentence: string } {
  const spelled = /^ErrorCode:(\w+);(.*)$/s.exec(message);
  if (spelled) return { code: spelled[1], sentence: spelled[2] ?? '' };
  try {
    const inner = record(JSON.parse(message));
    return { code: text(String(inner['errorCode'] ?? '')), sentence: text(inner['message']) ?? message };
  } catch {
    return { sentence: message };
  }
}

const whole = (sentence: string): string => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`);

/** From an answer that is no success; `body` is its JSON, or its text. */
export function faultOf(status: number, body: unknown, headers?: { get(name: string): string | null }): Fault {
  const outer = record(body);
  const inner = 'error' in outer ? record(outer['error']) : outer;
  const hub = text(outer['Message']) ? hubMessage(text(outer['Message']) as string) : undefined;
  const code = hub?.code ?? text(inner['code']) ?? String(inner['errorCode'] ?? inner['code'] ?? status);
  const sentence = hub?.sentence ?? text(inner['message']) ?? sentenceOf(status);
  const retryAfter = Number(headers?.get('retry-after'));
  return new Fault(status, code, whole(sentence), text(inner['trackingId']), retryAfter > 0 ? retryAfter : undefined);
}

function sentenceOf(status: number): string {
  switch (status) {
    case 0:
      return 'The server did not answer.';
    case 401:
      return 'You are signed out.';
    case 403:
      return 'You may not do this.';
    case 404:
      return 'It is not there.';
    case 409:
      return 'It exists already.';
    case 412:
      return 'It was changed in the meantime.';
    case 429:
      return 'Too many requests.';
    default:
      return status >= 500 ? 'The server could not do it.' : 'The server refused it.';
  }
}

/** What the reader can do about it. */
export function adviceOf(fault: Fault): string {
  if (fault.status === 429) return `Wait ${fault.retryAfter ?? 'a few'} seconds, then try again.`;
  switch (fault.status) {
    case 0:
      return 'Check that the server runs and that this computer is connected, then try again.';
    case 401:
      return 'Sign in again; what you entered stays on this page.';
    case 403:
      return 'Ask an administrator to do it, or to change your role.';
    case 404:
      return 'It may have been deleted. Go back and reload the list.';
    case 409:
      return /exist/i.test(fault.message) ? 'Choose another name, or change the one that is there.' : 'Mend what is named above, then try again.';
    case 412:
      return 'Reload to see what is there now, then make your change again.';
    default:
      if (fault.status >= 500) return 'Try again in a moment. If it stays, look in the server’s log for the tracking ID.';
      return 'Mend what is named above, then try again.';
  }
}

export const asFault = (error: unknown): Fault =>
  error instanceof Fault ? error : new Fault(0, 'Unexpected', error instanceof Error ? whole(error.message) : 'Something unexpected happened.');
