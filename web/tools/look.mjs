// Looks at every page in Chromium, light and dark, narrow and wide: pictures in shots/, what axe finds, what the console says.
// npm run build && npm run look [-- --only NAME] [--widths 390,1280] [--themes light,dark]
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { preview } from 'vite';
import { pages, signIn } from './pages.mjs';

const option = (name, otherwise) => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? otherwise : process.argv[at + 1];
};
const only = option('only', '');
const widths = option('widths', '390,1280').split(',').map(Number);
const themes = option('themes', 'light,dark').split(',');
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

async function judge(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations.map((v) => `${v.impact} ${v.id}: ${v.nodes.map((n) => `${n.target.join(' ')} ${n.failureSummary.split('\n').at(1)?.trim() ?? ''}`).slice(0, 3).join(' | ')}`);
}

const overflow = (page) =>
  page.evaluate(() => (document.documentElement.scrollWidth > document.documentElement.clientWidth ? document.documentElement.scrollWidth : 0));

async function look(browser, base, { theme, width }) {
  let troubles = 0;
  const context = await browser.newContext({ viewport: { width, height: width < 700 ? 844 : 900 }, colorScheme: theme, reducedMotion: 'no-preference' });
  const page = await context.newPage();
  const said = [];
  page.on('console', (message) => ['error', 'warning'].includes(message.type()) && said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  for (const one of pages.filter(({ name }) => name.includes(only))) {
    said.length = 0;
    if (one.signedOut) await context.clearCookies();
    else await signIn(context, base);
    await page.goto(base + one.path);
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.waitForTimeout(one.wait ?? 450);
    await one.act?.(page).catch((error) => said.push(`could not be done: ${error.message.split('\n')[0]}`));
    if (one.act) await page.waitForTimeout(350);
    // What stands still while the page is scrolled would lie across the picture.
    if (!one.viewport) await page.evaluate(() => window.scrollTo(0, 0));
    await page.screenshot({ path: `shots/${one.name}-${theme}-${width}.png`, fullPage: !one.viewport });
    // axe's own script is run by the debugger, which the page's policy does not bind.
    const found = await judge(page);
    const wide = await overflow(page);
    const lines = [...found, ...(wide ? [`scrolls sideways: ${wide} px`] : []), ...said.filter((text) => !(one.expects ?? /^$/).test(text))];
    troubles += lines.length;
    for (const line of lines) console.log(`${one.name} ${theme} ${width}: ${line}`);
  }
  await context.close();
  return troubles;
}

mkdirSync('shots', { recursive: true });
const server = await preview({ preview: { port: Number(option('port', '4174')) }, logLevel: 'error' });
const base = server.resolvedUrls.local[0].replace(/\/$/, '');
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] });
let troubles = 0;
for (const theme of themes) for (const width of widths) troubles += await look(browser, base, { theme, width });
await browser.close();
await server.close();
console.log(`${troubles} troubles`);
process.exit(troubles === 0 ? 0 : 1);
