// The server's part of the contract, played for the development server and the preview: nothing of it is in the build.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Connect, Plugin } from 'vite';
import type { WhatIfChange } from '../src/api/types';
import { streamWhatIf, whatIfPath } from './allocation';
import { answer } from './routes';
import { streamEvents } from './events';
import { forged, hasSession } from './session';

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString('utf8');
  return text === '' ? undefined : JSON.parse(text);
}

// As slow as a server in another building.
const latency = Number(process.env['MOCK_LATENCY'] ?? 40);
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function play(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://portal');
  if (url.pathname === '/berth/events' && hasSession(request)) return streamEvents(request, response, url);
  const body = await bodyOf(request);
  await sleep(latency);
  const asked = { request, method: request.method ?? 'GET', path: url.pathname, query: url.searchParams, body };
  const whatIf = whatIfPath.exec(url.pathname);
  if (whatIf && hasSession(request) && !forged(asked)) return streamWhatIf(response, decodeURIComponent(whatIf[1] ?? ''), body as WhatIfChange);
  const reply = answer(asked);
  response.writeHead(reply.status, { 'Content-Type': 'application/json; charset=utf-8', ...reply.headers });
  response.end(reply.body === undefined ? undefined : JSON.stringify(reply.body));
}

const middleware: Connect.NextHandleFunction = (request, response, next) => {
  if (!/^\/(berth|subscriptions|providers)\//.test(request.url ?? '')) return next();
  play(request, response).catch((error: unknown) => {
    response.writeHead(500, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify({ code: 'MockBroke', message: String(error) }));
  });
};

export function mock(): Plugin {
  return {
    name: 'berth-mock',
    configureServer: (server) => void server.middlewares.use(middleware),
    configurePreviewServer: (server) => void server.middlewares.use(middleware),
  };
}
