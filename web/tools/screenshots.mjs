// The pictures of the README: node tools/screenshots.mjs URL PASSWORD DATA, against a running `berth demo` whose devices keep coming.
import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const [url, password, data, berth = fileURLToPath(new URL('../../build/berth', import.meta.url))] = process.argv.slice(2);
const pictures = fileURLToPath(new URL('../../docs/pictures/', import.meta.url));
const service = 'contoso';

const run = (...args) =>
  new Promise((resolve) => {
    execFile(berth, [...args], { env: { ...process.env, BERTH_DATA: data } }, () => resolve());
  });

const shots = [
  {
    name: 'all-resources',
    path: '/resources',
    during: () => run('device', 'simulate', '--service', service, '--group', 'presses', '--transport', 'https,mqtt,amqp', '--count', '900', '--rate', '60', '--prefix', 'mill-'),
    wait: 12_500,
  },
  { name: 'allocation-policy', path: `/services/${service}/allocation-policy`, wait: 800 },
  {
    name: 'explain',
    path: `/services/${service}/explain?id=press-3`,
    before: () => run('device', 'register', 'press-3', '--service', service, '--key', Buffer.alloc(32, 7).toString('base64')),
    wait: 800,
  },
];

mkdirSync(pictures, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: process.getuid() === 0 ? ['--no-sandbox'] : [] });
const context = await browser.newContext({ ignoreHTTPSErrors: true, viewport: { width: 1280, height: 800 }, colorScheme: 'light', locale: 'en-GB' });
await context.request.post(`${url}/berth/session`, { data: { name: 'admin', password } });
const page = await context.newPage();
for (const { name, path, before, during, wait } of shots) {
  await before?.();
  await page.goto(url + path);
  await page.getByRole('heading', { level: 1 }).waitFor();
  const running = during?.();
  await page.waitForTimeout(wait);
  await page.screenshot({ path: `${pictures}${name}.png` });
  await running;
}
await browser.close();
