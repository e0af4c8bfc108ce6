// One request to the server, with the session's cookie and token against forged requests. Answers are JSON, line by line if they are
// long, or nothing.

import { Fault, faultOf } from './fault';
import { lineSplitter } from '../lib/lines';

export interface Ask {
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface Answer<T> {
  body: T;
  headers: Headers;
}

let csrf: string | undefined;
let onSignedOut: () => void = () => undefined;

export const keepCsrf = (token: string | undefined): void => {
  csrf = token;
};

/** Runs whenever the server says that nobody is signed in. */
export const whenSignedOut = (run: () => void): void => {
  onSignedOut = run;
};

async function read(response: Response): Promise<unknown> {
  const text = await response.text();
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

async function send(method: string, path: string, { body, headers, signal }: Ask): Promise<Response> {
  const all: Record<string, string> = { Accept: 'application/json', ...headers };
  if (body !== undefined) all['Content-Type'] = 'application/json; charset=utf-8';
  if (csrf && method !== 'GET') all['X-Berth-CSRF'] = csrf;
  try {
    return await fetch(path, {
      method,
      headers: all,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: 'same-origin',
      cache: 'no-store',
      signal,
    });
  } catch (e) {
    if (signal?.aborted) throw e;
    throw new Fault(0, 'NoAnswer', 'The server did not answer.');
  }
}

async function refused(path: string, response: Response): Promise<Fault> {
  const body = await read(response);
  if (response.status === 401 && !path.startsWith('/berth/session')) onSignedOut();
  return faultOf(response.status, body, response.headers);
}

export async function askWhole<T>(method: string, path: string, ask: Ask = {}): Promise<Answer<T>> {
  const response = await send(method, path, ask);
  if (response.ok) return { body: (await read(response)) as T, headers: response.headers };
  throw await refused(path, response);
}

/** An answer of many lines, each a JSON document: `onLine` gets them as they come. What it throws ends the answer. */
export async function askLines<Line>(method: string, path: string, ask: Ask, onLine: (line: Line) => void): Promise<void> {
  const response = await send(method, path, ask);
  if (!response.ok) throw await refused(path, response);
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const split = lineSplitter((line) => onLine(JSON.parse(line) as Line));
  try {
    for (let part = await reader?.read(); part && !part.done; part = await reader?.read()) split.take(part.value);
    split.end();
  } catch (e) {
    if (ask.signal?.aborted || e instanceof Fault) throw e;
    throw new Fault(0, 'BrokenOff', 'The answer broke off before its end.');
  } finally {
    void reader?.cancel().catch(() => undefined);
  }
}

export async function ask<T>(method: string, path: string, options?: Ask): Promise<T> {
  return (await askWhole<T>(method, path, options)).body;
}

/** `/path?a=1&b=x`: what is undefined or empty is left out. */
export function withQuery(path: string, query: Record<string, string | number | boolean | undefined>): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  if (given.length === 0) return path;
  return `${path}?${given.map(([name, value]) => `${name}=${encodeURIComponent(String(value))}`).join('&')}`;
}

/** At a service's or hub's own host name, reached through the portal's. */
export const at = (label: string, path: string, version: string, query: Record<string, string | number | boolean | undefined> = {}): string =>
  withQuery(`/berth/at/${encodeURIComponent(label)}${path}`, { ...query, 'api-version': version });
