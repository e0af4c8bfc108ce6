import type { IncomingMessage } from 'node:http';

export interface Asked {
  request: IncomingMessage;
  method: string;
  path: string;
  query: URLSearchParams;
  body: unknown;
}

export interface Reply {
  status: number;
  body?: unknown;
  headers?: Record<string, string>;
}

export type Handler = (asked: Asked, parts: string[]) => Reply;
export type Route = [method: string, path: RegExp, run: Handler];

export const ok = (body: unknown, headers?: Record<string, string>): Reply => ({ status: 200, body, headers });
export const nothing: Reply = { status: 204 };
export const refuse = (status: number, code: string, message: string): Reply => ({ status, body: { code, message } });
export const refuseService = (status: number, errorCode: number, message: string): Reply => ({
  status,
  body: { errorCode, trackingId: '7d3c0f6e-3a5e-4f9d-9c58-0d2a7c1f5b11', message, timestampUtc: new Date().toISOString() },
});
export const refuseHub = (status: number, name: string, sentence: string): Reply => ({
  status,
  body: { Message: `ErrorCode:${name};${sentence}`, ExceptionMessage: '' },
});

export const record = (value: unknown): Record<string, unknown> => (value ?? {}) as Record<string, unknown>;

/** The same small number for the same text. */
export function hash(text: string): number {
  let h = 2166136261;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 16777619);
  h ^= h >>> 15;
  h = Math.imul(h, 2246822519);
  h ^= h >>> 13;
  return h >>> 0;
}

export const etagOf = (text: string): string => Buffer.from(`"${hash(text).toString(16).padStart(8, '0')}-0000-0700-0000-650000000000"`).toString('base64');
