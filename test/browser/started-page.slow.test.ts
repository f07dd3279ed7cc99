/**
 * The page of the real process: `odecast start` on an empty data folder, its two streams, its own model. With
 * ODECAST_SCREENSHOT=1 it also takes the picture of the README.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, hasBrowser, launchBrowser } from './browser.ts';
import { chartFacts, countBands, countPixels, curvePoints, type Watched, watchPage } from './page-probe.ts';

const MAIN = 'dist/cli/main.js';
const READY_MS = 120_000;
const DRAW = { timeout: 30_000, interval: 200 };

describe.skipIf(!hasBrowser)('the page of odecast start', () => {
  let browser: Browser;
  let started: Started;
  let watched: Watched | undefined;

  beforeAll(async () => {
    started = await start();
    browser = await launchBrowser({ scale: process.env.ODECAST_SCREENSHOT ? 2 : 1 });
  });

  afterAll(async () => {
    await browser?.close();
    await started?.stop();
  });

  afterEach(async () => {
    await watched?.page.close();
    expect(watched?.faults).toEqual([]);
    expect(watched?.refused).toEqual([]);
  });

  async function open(stream: string) {
    watched = await watchPage(await browser.context.newPage());
    const { page } = watched;
    await page.goto(`${started.url}/#/${stream}`);
    await page.locator('figure[data-mean]').first().waitFor({ timeout: 30_000 });
    return page;
  }

  it('shows a live spiral: points, bands to both sides of now, truth and running error, and moves with its events', async () => {
    const page = await open('spirals');
    const before = await chartFacts(page, 'x');
    expect(before.points).toBeGreaterThan(3);
    expect(before.interpolated).toBeGreaterThan(10);
    expect(before.extrapolated).toBeGreaterThan(50);
    expect(before.truthPoints).toBeGreaterThan(100);
    // Any of each band: the better the model, the thinner they are, and a spiral that has just begun has little past.
    const fewest = async (side: 'past' | 'future', key: 'before' | 'after') =>
      Math.min(...(await countBands(page, 'x', side)).map((pixels) => pixels[key]));
    await expect.poll(() => fewest('past', 'before'), DRAW).toBeGreaterThan(0);
    await expect.poll(() => fewest('future', 'after'), DRAW).toBeGreaterThan(0);
    expect(await page.locator('figure[data-channel=x]').getAttribute('data-anchor')).toBe('now');
    await expect.poll(async () => (await chartFacts(page, 'x')).lastEvent, DRAW).toBeGreaterThan(before.lastEvent);
    const panel = page.locator('[data-role=running-error]');
    await expect.poll(async () => Number(await panel.getAttribute('data-forecasts')), DRAW).toBeGreaterThan(2);
    expect(Number(await panel.getAttribute('data-rmse'))).toBeGreaterThan(0);
    expect(Number(await page.locator('figure.plane').getAttribute('data-forecast-points'))).toBeGreaterThan(50);
    if (process.env.ODECAST_SCREENSHOT) await takePicture(page);
  });

  it('shows four years of weather: any zoom has its own forecast, to both sides of the last event', async () => {
    const page = await open('spirals');
    await page.getByLabel('Stream').selectOption('weather');
    await page.locator('figure[data-channel=temp_max][data-mean]').waitFor();
    expect(await page.locator('figure[data-channel]').count()).toBe(4);
    expect(await page.locator('figure[data-channel=temp_max]').getAttribute('data-anchor')).toBe('last event');
    for (const side of ['past', 'future'] as const) {
      const pixels = await countPixels(page, 'temp_max', side);
      expect(pixels.before + pixels.after).toBeGreaterThan(500);
    }
    const before = await chartFacts(page, 'temp_max');
    await page.getByRole('button', { name: 'Zoom out' }).click({ clickCount: 6, delay: 20 });
    await expect.poll(async () => (await chartFacts(page, 'temp_max')).forecastFrom, DRAW).toBeLessThan(before.from);
    await expect.poll(async () => (await chartFacts(page, 'temp_max')).points, DRAW).toBeGreaterThan(before.points);
  });

  it('shows the model’s version, loss and scores, and answers a question in words', async () => {
    const page = await open('spirals');
    const model = page.locator('[data-role=model][data-version]');
    await model.waitFor({ timeout: 20_000 });
    expect(await curvePoints(page, 'curve-loss')).toBeGreaterThan(5);
    expect(await model.locator('[data-role=scores] tbody tr').count()).toBeGreaterThan(1);
    await page.getByLabel('Timestamp').fill('now + 20 s');
    await page.getByRole('button', { name: 'Ask' }).click();
    await page.locator('[data-role=answer] tbody tr').first().waitFor();
    expect(await page.locator('[data-role=answer]').textContent()).toContain('extrapolation');
  });
});

/** Of a model that has had some time to learn, with a question asked. */
async function takePicture(page: Page): Promise<void> {
  const versions = async () => Number(await page.locator('[data-role=model]').getAttribute('data-versions'));
  await expect.poll(versions, { timeout: 200_000, interval: 2000 }).toBeGreaterThanOrEqual(3);
  await wait(10_000);
  await page.getByRole('button', { name: 'Ask' }).click();
  await wait(1500);
  await page.screenshot({ path: 'docs/dashboard.png' });
}

interface Started {
  readonly url: string;
  stop(): Promise<void>;
}

async function start(): Promise<Started> {
  if (!existsSync(MAIN)) throw new Error(`there is no ${MAIN}: run \`npm run build\` first`);
  const data = await mkdtemp(join(tmpdir(), 'odecast-start-'));
  const port = await freePort();
  const child = spawn(process.execPath, [MAIN, 'start'], {
    env: { ...process.env, ODECAST_PORT: String(port), ODECAST_DATA: data },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const stop = async () => {
    await end(child);
    await rm(data, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  try {
    await untilReady(url, child);
  } catch (cause) {
    await stop();
    throw new Error(`odecast start did not get ready. It said:\n${said.join('').slice(-3000)}`, { cause });
  }
  return { url, stop };
}

async function untilReady(url: string, child: ChildProcess): Promise<void> {
  const until = Date.now() + READY_MS;
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
    const response = await fetch(`${url}/readyz`).catch(() => undefined);
    if (response?.ok) return;
    await wait(300);
  }
  throw new Error(`/readyz was not 200 within ${READY_MS} ms`);
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  const timer = setTimeout(() => child.kill('SIGKILL'), 8000);
  await ended;
  clearTimeout(timer);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
