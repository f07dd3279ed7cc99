/** The page in a real browser, over the real HTTP side with a small world behind it: what is drawn, and what is asked. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Browser, hasBrowser, launchBrowser } from './browser.ts';
import { BIAS, type CircleOptions, type CircleServer, startCircleServer, VERSION } from './circle-server.ts';
import { chartFacts, countBands, countPixels, curvePoints, overflow, type Watched, watchPage } from './page-probe.ts';

const WAIT = { timeout: 10_000, interval: 100 };

describe.skipIf(!hasBrowser)('the page', () => {
  let browser: Browser;
  let dashboardDir: string;
  let server: CircleServer;
  let watched: Watched | undefined;

  beforeAll(async () => {
    dashboardDir = await mkdtemp(join(tmpdir(), 'odecast-page-'));
    await build({ configFile: 'vite.config.ts', logLevel: 'warn', build: { outDir: dashboardDir, emptyOutDir: true } });
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await rm(dashboardDir, { recursive: true, force: true });
  });

  afterEach(async () => {
    await watched?.page.close();
    await server?.close();
    expect(watched?.faults).toEqual([]);
  });

  async function open(options: Partial<CircleOptions> = {}, path = '/') {
    server = await startCircleServer({ dashboardDir, ...options });
    watched = await watchPage(await browser.context.newPage());
    await watched.page.goto(server.url + path);
    return watched.page;
  }

  async function facts(channel = 'x') {
    if (!watched) throw new Error('no page is open');
    return chartFacts(watched.page, channel);
  }

  async function openDrawn(options: Partial<CircleOptions> = {}, path = '/') {
    const page = await open(options, path);
    await page.locator('figure[data-mean]').first().waitFor();
    return page;
  }

  it('draws observations, and mean and bands to both sides of now', async () => {
    const page = await openDrawn();
    const x = await facts('x');
    expect(x.points).toBeGreaterThan(50);
    expect(x.interpolated).toBeGreaterThan(80);
    expect(x.extrapolated).toBeGreaterThan(60);
    expect(x.low80).toBeLessThan(x.mean);
    expect(x.high80).toBeGreaterThan(x.mean);
    const angle = (2 * Math.PI * x.anchorTime) / 60_000;
    expect(x.mean).toBeCloseTo(3 * Math.cos(angle) + BIAS, 1);
    for (const channel of ['x', 'y']) {
      for (const { before, after } of await countBands(page, channel, 'past')) {
        expect(before).toBeGreaterThan(100);
        expect(after).toBe(0);
      }
      for (const { after } of await countBands(page, channel, 'future')) expect(after).toBeGreaterThan(1000);
      const points = await countPixels(page, channel, 'points');
      expect(points.before).toBeGreaterThan(300);
      expect(points.after).toBeLessThan(30);
    }
  });

  it('says in words what a chart shows', async () => {
    const page = await openDrawn();
    const label = await page.locator('figure[data-channel=x]').getAttribute('aria-label');
    expect(label).toMatch(/^x: \d+ observations from .* UTC\. Forecast at now: now {3}−?\d/);
  });

  it('shows an event that arrives, and asks for another forecast', async () => {
    const page = await openDrawn();
    await expect.poll(() => page.locator('[data-role=connection]').getAttribute('data-state'), WAIT).toBe('live');
    const [before, asked] = [await facts(), server.asked.length];
    await server.addEvent();
    await expect.poll(async () => (await facts()).lastEvent, WAIT).toBeGreaterThan(before.lastEvent);
    expect(server.asked.length).toBeGreaterThan(asked);
    expect((await facts()).interpolated).toBeGreaterThanOrEqual(before.interpolated);
  });

  it('zooms with the wheel and asks for about 200 times of just the new range', async () => {
    const page = await openDrawn();
    const before = await facts();
    await page.locator('figure[data-channel=x] .u-over').hover();
    await page.mouse.wheel(0, -900);
    await expect.poll(async () => (await facts()).to - (await facts()).from, WAIT).toBeLessThan(40_000);
    await expect.poll(async () => (await facts()).forecastTo - (await facts()).forecastFrom, WAIT).toBeLessThan(45_000);
    const after = await facts();
    expect(after.to - after.from).toBeLessThan(0.5 * (before.to - before.from));
    const chart = server.asked.filter((times) => times.length > 100).at(-1) ?? [];
    expect(chart.length).toBeGreaterThan(190);
    expect(chart.length).toBeLessThan(260);
    expect(Math.min(...chart)).toBeCloseTo(after.forecastFrom, -2);
    const y = await facts('y');
    expect(y.from).toBe(after.from);
  });

  it('is dragged into the past and comes back on a double click', async () => {
    const page = await openDrawn();
    const before = await facts();
    const box = await page.locator('figure[data-channel=y] .u-over').boundingBox();
    if (!box) throw new Error('the chart has no box');
    await page.mouse.move(box.x + 100, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + 500, box.y + 60, { steps: 8 });
    await page.mouse.up();
    await expect.poll(async () => (await facts()).from, WAIT).toBeLessThan(before.from - 30_000);
    await expect.poll(async () => (await facts()).forecastFrom, WAIT).toBeLessThan(before.from - 30_000);
    expect(await page.getByRole('button', { name: 'Follow now' }).getAttribute('aria-pressed')).toBe('false');
    await page.mouse.dblclick(box.x + 300, box.y + 50);
    await expect.poll(async () => (await facts()).from, WAIT).toBeGreaterThanOrEqual(before.from);
    expect(await page.getByRole('button', { name: 'Following now' }).getAttribute('aria-pressed')).toBe('true');
  });

  it('is panned and zoomed with keys', async () => {
    const page = await openDrawn();
    const before = await facts();
    await page.locator('figure[data-channel=x]').focus();
    await page.keyboard.press('+');
    await page.keyboard.press('ArrowLeft');
    const after = await facts();
    expect(after.to - after.from).toBeCloseTo(0.7 * (before.to - before.from), -2);
    await page.keyboard.press('0');
    await expect.poll(async () => (await facts()).to - (await facts()).from, WAIT).toBeCloseTo(100_000, -2);
  });

  it('draws the truth, and the running error of the mean against it, which is the bias of the model to 1e-6', async () => {
    const page = await openDrawn();
    expect((await facts()).truthPoints).toBeGreaterThan(150);
    expect((await countPixels(page, 'x', 'truth')).after).toBeGreaterThan(50);
    const panel = page.locator('[data-role=running-error]');
    await expect.poll(async () => Number(await panel.getAttribute('data-forecasts')), WAIT).toBeGreaterThan(0);
    expect(Number(await panel.getAttribute('data-rmse'))).toBeCloseTo(BIAS, 6);
    expect(Number(await panel.getAttribute('data-coverage80'))).toBe(1);
    const forecasts = Number(await panel.getAttribute('data-forecasts'));
    await page.waitForTimeout(1100);
    await server.addEvent();
    await expect.poll(async () => Number(await panel.getAttribute('data-forecasts')), WAIT).toBeGreaterThan(forecasts);
    expect(await panel.isVisible()).toBe(true);
  });

  it('draws the plane of x and y', async () => {
    const page = await openDrawn();
    const plane = page.locator('figure.plane');
    expect(Number(await plane.getAttribute('data-points'))).toBeGreaterThan(40);
    expect(Number(await plane.getAttribute('data-forecast-points'))).toBeGreaterThan(60);
  });

  it('shows the version, its loss curve and its scores beside the baselines', async () => {
    const page = await openDrawn();
    const model = page.locator('[data-role=model]');
    await model.getByText(VERSION).waitFor();
    await model.getByText('champion').waitFor();
    expect(await model.textContent()).toMatch(/made \d+ s ago/);
    expect(await curvePoints(page, 'curve-loss')).toBe(120);
    const table = model.locator('[data-role=scores]');
    expect(await table.locator('tbody tr').count()).toBe(5);
    expect(await table.locator('tr.own').textContent()).toBe('this model0.3100.2200.160');
    expect(await model.textContent()).toContain('80 % → 81 %');
  });

  it('answers a free timestamp with intervals, and gives the curl line that says the same', async () => {
    const page = await openDrawn();
    const panel = page.locator('[data-role=ask]');
    await panel.getByLabel('Timestamp').fill('now + 20 s');
    await panel.getByRole('button', { name: 'Ask' }).click();
    await panel.locator('table').waitFor();
    expect(await panel.textContent()).toMatch(/now \+ 20 s · extrapolation/);
    const line = (await panel.locator('[data-role=curl]').textContent()) ?? '';
    const [, url, body] = /^curl -s (\S+) .* -d '(.*)'$/.exec(line) ?? [];
    const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const answer = (await response.json()) as { channels: { x: { mean: number[] } } };
    expect(await panel.locator('tbody tr').first().textContent()).toContain(
      Math.abs(answer.channels.x.mean[0]).toFixed(Math.abs(answer.channels.x.mean[0]) >= 1 ? 2 : 3),
    );
    await panel.getByLabel('Timestamp').fill('the day after tomorrow');
    await panel.getByRole('button', { name: 'Ask' }).click();
    await panel.getByText('That is no time').waitFor();
  });

  it('says that a model is being trained, and draws as soon as there is one', async () => {
    const page = await open({ model: 'training' });
    const banner = page.locator('[data-role=banner][data-code=no-model]');
    await banner.waitFor();
    expect(await banner.textContent()).toMatch(/No model yet:.*about 12 s/);
    expect((await facts()).points).toBeGreaterThan(50);
    expect(await curvePoints(page, 'curve-loss')).toBe(30);
    server.setModel('ready');
    await page.locator('figure[data-mean]').first().waitFor();
    await banner.waitFor({ state: 'hidden' });
    expect(watched?.refused.every((refusal) => refusal === '503 /v1/forecast')).toBe(true);
  });

  it('shows the title and detail of a problem, keeps the observations, and recovers', async () => {
    const page = await open({ model: 'failing' });
    const banner = page.locator('[data-role=banner][data-code=internal]');
    await banner.waitFor();
    expect(await banner.textContent()).toContain('The server failed');
    expect((await facts()).points).toBeGreaterThan(50);
    server.setModel('ready');
    await page.locator('figure[data-mean]').first().waitFor();
    await banner.waitFor({ state: 'hidden' });
  });

  it('polls where there is no event stream', async () => {
    const page = await openDrawn({ events: false });
    await expect.poll(() => page.locator('[data-role=connection]').getAttribute('data-state'), WAIT).toBe('polling');
    const before = await facts();
    await server.addEvent();
    await expect.poll(async () => (await facts()).lastEvent, WAIT).toBeGreaterThan(before.lastEvent);
  });

  it('finds one of 300 series by a part of its name, and keeps it in the address', async () => {
    const page = await openDrawn({ series: 300 });
    await page.getByRole('button', { name: 'circle-0', exact: true }).click();
    await page.getByRole('searchbox').fill('CLE-29');
    expect(await page.locator('.picker').getByRole('option').count()).toBe(11);
    await page.getByRole('option', { name: 'circle-297' }).click();
    await expect.poll(() => page.url(), WAIT).toContain('#/circles/circle-297');
    await page.locator('figure[data-anchor="last event"]').first().waitFor();
    expect((await countPixels(page, 'x', 'future')).after).toBeGreaterThan(1000);
  });

  it('asks for a key where the server wants one, and reads with it, the event stream too', async () => {
    const page = await open({ key: 'a-long-secret' });
    await page.getByLabel('Key').fill('a-long-secret');
    await page.getByRole('button', { name: 'Use key' }).click();
    await page.locator('figure[data-mean]').first().waitFor();
    await expect.poll(() => page.locator('[data-role=connection]').getAttribute('data-state'), WAIT).toBe('live');
  });

  it('says how to begin where a stream is empty', async () => {
    const page = await open({ series: 0 });
    const banner = page.locator('[data-role=banner][data-code=no-series]');
    await banner.waitFor();
    expect(await banner.textContent()).toContain('/v1/streams/circles/events');
  });

  it('says that the server is gone, and goes on when it is back', async () => {
    const page = await openDrawn();
    await page.context().setOffline(true);
    await expect.poll(() => page.locator('[data-role=connection]').getAttribute('data-state'), WAIT).toBe('offline');
    await page.locator('[data-role=banner]').getByText('No connection').waitFor();
    await page.context().setOffline(false);
    await page.locator('[data-role=banner]').waitFor({ state: 'hidden', timeout: 20_000 });
  });

  it('fits a telephone and a small screen without scrolling sideways', async () => {
    const page = await openDrawn();
    for (const [width, height] of [
      [390, 844],
      [820, 1180],
      [1280, 800],
    ]) {
      await page.setViewportSize({ width, height });
      await page.waitForTimeout(200);
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      expect((await countPixels(page, 'x', 'future')).after).toBeGreaterThan(500);
    }
  });

  it('follows the system into the dark', async () => {
    const page = await openDrawn();
    await page.emulateMedia({ colorScheme: 'dark' });
    await expect.poll(async () => (await countPixels(page, 'x', 'points')).before, WAIT).toBeGreaterThan(300);
    await page.emulateMedia({ colorScheme: 'light' });
  });
});
