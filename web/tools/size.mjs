// Prints what a browser loads: each file of the build, compressed, and their sums.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url);
const sizeOf = (path) => gzipSync(readFileSync(new URL(path, dist)), { level: 9 }).length;
const kb = (bytes) => `${(bytes / 1024).toFixed(1)} kB`;

const html = readFileSync(new URL('index.html', dist), 'utf8');
const first = new Set([...html.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map((found) => found[1]));
const files = readdirSync(new URL('assets/', dist)).map((name) => ({ path: `assets/${name}`, size: sizeOf(`assets/${name}`) }));
const sum = (wanted) => files.filter(wanted).reduce((total, file) => total + file.size, 0);
const isScript = ({ path }) => path.endsWith('.js');

for (const file of files.sort((a, b) => b.size - a.size).slice(0, 12)) console.log(`${kb(file.size).padStart(10)}  ${file.path}${first.has(file.path) ? '  (first)' : ''}`);
console.log(`first load: ${kb(sum((file) => isScript(file) && first.has(file.path)))} of JavaScript, compressed`);
console.log(`all JavaScript: ${kb(sum(isScript))}; everything with styles and font: ${kb(sum(() => true))}`);

const most = 350 * 1024;
if (sum(isScript) > most) {
  console.error(`The JavaScript is larger than ${kb(most)}.`);
  process.exit(1);
}
