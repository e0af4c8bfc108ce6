// embed.js DIST OUT: the files of web/dist as one C file for src/portal/assets.h, each plain and, where that is shorter, compressed.
'use strict';
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const zlib = require('node:zlib');

const [dist, out] = process.argv.slice(2);
const types = {
  '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml', '.png': 'image/png', '.ico': 'image/x-icon', '.webp': 'image/webp', '.woff2': 'font/woff2',
  '.json': 'application/json', '.webmanifest': 'application/manifest+json', '.txt': 'text/plain; charset=utf-8',
};

function filesBelow(folder) {
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const at = path.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(at) : [at];
  });
}

// Bytes as a C string. Letters stand for themselves; the rest is octal, which no digit behind it can change.
function literal(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 100) {
    let line = '';
    for (const byte of bytes.subarray(at, at + 100)) {
      const plain = (byte >= 0x20 && byte < 0x7f) && byte !== 0x22 && byte !== 0x5c && byte !== 0x3f;
      line += plain ? String.fromCharCode(byte) : `\\${byte.toString(8).padStart(3, '0')}`;
    }
    lines.push(`\t"${line}"`);
  }
  return lines.length ? `\n${lines.join('\n')}` : '""';
}

function compress(bytes) {
  const brotli = zlib.brotliCompressSync(bytes, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 11, [zlib.constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
  return { BROTLI: brotli, GZIP: zlib.gzipSync(bytes, { level: 9 }) };
}

function asset(file) {
  const name = `/${path.relative(dist, file).split(path.sep).join('/')}`;
  const type = types[path.extname(file)];
  if (type === undefined) throw new Error(`${name}: what is the content type of that? Say it in tools/embed.js.`);
  const bytes = fs.readFileSync(file);
  const etag = crypto.createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  const forms = Object.entries(compress(bytes)).filter(([, shorter]) => shorter.length < bytes.length * 0.95);
  const fields = [...forms, ['PLAIN', bytes]].map(([form, content]) => `[ASSET_${form}] = {${literal(content)}, ${content.length}}`);
  return `{${JSON.stringify(name)}, ${JSON.stringify(type)}, ${JSON.stringify(`W/"${etag}"`)}, {${fields.join(',\n')}}}`;
}

const files = filesBelow(dist).filter((file) => path.extname(file) !== '.map').sort();
if (!files.includes(path.join(dist, 'index.html'))) throw new Error(`${dist} has no index.html`);
fs.writeFileSync(out, `/* Made by tools/embed.js. */
#include "portal/assets.h"

static const struct asset all[] = {
${files.map(asset).join(',\n')},
};

const struct assets portal_assets = {all, sizeof(all) / sizeof(all[0])};
`);
