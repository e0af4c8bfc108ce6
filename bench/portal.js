// How long until the portal's first page is of use, in a real browser: node portal.js PORT TIMES, with the password of `admin` on stdin.
//
// Each visit is a new browser profile, with nothing in its cache, of an operator who is signed in. "First paint" is the browser's own
// first contentful paint; the page is of use when the first row of All resources is there. The slow line is what a telephone has
// far from a town: 1.6 Mbit/s, 150 ms there and back, and a processor that is four times slower.
'use strict';
const fs = require('node:fs');
const path = require('node:path');
const { chromium } = require(require.resolve('playwright-core', { paths: [path.join(__dirname, '../test/system')] }));

const [port, times] = process.argv.slice(2);
const home = `https://portal.berth.test:${port}`;
const password = fs.readFileSync(0, 'utf8').trim();
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
const lines = {
  'as it comes': undefined,
  'a slow line': { offline: false, latency: 150, downloadThroughput: 1.6e6 / 8, uploadThroughput: 0.75e6 / 8 },
};

async function visit(browser, line) {
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const answer = await context.request.post(`${home}/berth/session`, { data: { name: 'admin', password } });
  if (answer.status() !== 200) throw new Error(`sign-in: ${answer.status()} ${await answer.text()}`);
  const page = await context.newPage();
  const wire = await context.newCDPSession(page);
  let bytes = 0;
  wire.on('Network.loadingFinished', (event) => { bytes += event.encodedDataLength; });
  await wire.send('Network.enable');
  if (line) {
    await wire.send('Network.emulateNetworkConditions', line);
    await wire.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  }
  await page.goto(home);
  await page.getByRole('row').filter({ hasText: 'harbour' }).first().waitFor({ timeout: 60000 });
  const [useful, paint] = await page.evaluate(() => [performance.now(), performance.getEntriesByName('first-contentful-paint')[0].startTime]);
  await context.close();
  return { paint, useful, bytes };
}

const spread = (numbers) => {
  const sorted = numbers.slice().sort((a, b) => a - b).map((n) => n.toFixed(0));
  return `${sorted[Math.floor(sorted.length / 2)]} [${sorted[0]}..${sorted.at(-1)}]`;
};

async function main() {
  const browser = await chromium.launch({
    executablePath,
    args: ['--disable-dev-shm-usage', ...(process.getuid() === 0 ? ['--no-sandbox'] : [])],
  });
  try {
    for (const [name, line] of Object.entries(lines)) {
      const visits = [];
      for (let i = 0; i < Number(times); i++) visits.push(await visit(browser, line));
      const of = (what) => spread(visits.map((each) => each[what]));
      console.log(`${name.padEnd(14)} first paint ${of('paint')} ms, of use after ${of('useful')} ms, ${of('bytes')} bytes over the wire`);
    }
  } finally {
    await browser.close();
  }
}

main();
