// Runs a function of the form in place/ without a cloud: POST /api/{name}?code={key} calls it.
//   FUNCTION_KEY=s3cret node server.js [--port 7071] [--cert FILE --key FILE]
'use strict';
const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const path = require('node:path');
const { parseArgs } = require('node:util');

const BODY_MAX = 1 << 20;

async function readBody(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    if ((size += part.length) > BODY_MAX) throw Object.assign(new Error('too large'), { status: 413 });
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString('utf8'));
  } catch {
    throw Object.assign(new Error('the body is not JSON'), { status: 400 });
  }
}

function answer(response, { status = 200, headers = {}, body }) {
  const isText = typeof body === 'string';
  response.writeHead(status, { 'Content-Type': isText ? 'text/plain; charset=utf-8' : 'application/json; charset=utf-8', ...headers });
  response.end(isText || body === undefined ? body : JSON.stringify(body));
}

// A listener for a server: `functions` by name, each (context, request).
const host = (functions, { key, log = () => {} } = {}) => async (request, response) => {
  const url = new URL(request.url, 'http://function');
  const run = functions[url.pathname.replace(/^\/api\//, '')];
  try {
    if (!run) return answer(response, { status: 404 });
    if (key && url.searchParams.get('code') !== key) return answer(response, { status: 401 });
    if (request.method !== 'POST') return answer(response, { status: 405 });
    const context = { log };
    await run(context, { method: request.method, headers: request.headers, query: Object.fromEntries(url.searchParams), body: await readBody(request) });
    return answer(response, context.res || { status: 204 });
  } catch (error) {
    log(error.message);
    return answer(response, { status: error.status || 500, body: error.status ? error.message : 'the function failed' });
  }
};

module.exports = { host };

if (require.main === module) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '7071' }, cert: { type: 'string' }, key: { type: 'string' } } });
  const listener = host({ place: require(path.join(__dirname, 'place')) }, { key: process.env.FUNCTION_KEY, log: console.log });
  const server = values.cert
    ? https.createServer({ cert: fs.readFileSync(values.cert), key: fs.readFileSync(values.key) }, listener)
    : http.createServer(listener);
  server.listen(Number(values.port), () => console.log(`POST ${values.cert ? 'https' : 'http'}://localhost:${values.port}/api/place`));
}
