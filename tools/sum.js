// Add up what ctest wrote, each single test where the output tells them (cmocka, node:test), and end with one plain line.
'use strict';
const fs = require('fs');

const xml = fs.readFileSync(process.argv[2], 'utf8');
let passed = 0;
let failed = 0;
let skipped = 0;

const inside = (text, pattern) => [...text.matchAll(pattern)].reduce((sum, m) => sum + Number(m[1]), 0);

for (const [, attributes, rest] of xml.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
  const status = /status="([^"]*)"/.exec(attributes)[1];
  const output = (/<system-out>([\s\S]*?)<\/system-out>/.exec(rest || '') || [, ''])[1];
  const ok = inside(output, /\[  PASSED  \] (\d+) test/g) + inside(output, /^(?:#|ℹ) pass (\d+)$/gm);
  const bad = inside(output, /\[  FAILED  \] (\d+) test\(s\), listed/g) + inside(output, /^(?:#|ℹ) fail (\d+)$/gm);
  const left = inside(output, /\[  SKIPPED \] (\d+) test/g) + inside(output, /^(?:#|ℹ) skipped (\d+)$/gm);

  if (status === 'notrun' || status === 'disabled') {
    skipped += 1;
    console.log(`skipped: ${/name="([^"]*)"/.exec(attributes)[1]}: ${output.trim().split('\n').pop() || 'not run'}`);
  } else if (status === 'run') {
    passed += ok || 1;
    skipped += left;
  } else {
    passed += ok;
    failed += bad || 1;
    skipped += left;
    console.log(`failed: ${/name="([^"]*)"/.exec(attributes)[1]}`);
  }
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed || Number(process.argv[3]) ? 1 : 0);
