/**
 * Looks at the open page as a test must: what its drawings say of themselves, which pixels they have, and whether anything
 * went wrong in the browser. What runs in the page is text, as this side knows no DOM.
 */
import type { Page } from 'playwright-core';
import { BAND_OPACITY } from '../../serve/dashboard/answers.ts';

export interface Watched {
  readonly page: Page;
  /** Errors of scripts and refusals by the content security policy; a failed request alone is not one of them. */
  readonly faults: string[];
  /** Answers with a status of 400 or more, as `503 /v1/forecast`. */
  readonly refused: string[];
}

/** Call before the page is opened. */
export async function watchPage(page: Page): Promise<Watched> {
  const watched: Watched = { page, faults: [], refused: [] };
  page.on('pageerror', (error) => watched.faults.push(error.stack ?? error.message));
  page.on('console', (message) => {
    const failedRequest = message.text().startsWith('Failed to load resource');
    if (['error', 'warning'].includes(message.type()) && !failedRequest) watched.faults.push(message.text());
  });
  page.on('response', (response) => {
    if (response.status() >= 400) watched.refused.push(`${response.status()} ${new URL(response.url()).pathname}`);
  });
  await page.addInitScript(
    `addEventListener('securitypolicyviolation', (e) => console.error('refused by policy: ' + e.violatedDirective + ' ' + e.blockedURI));`,
  );
  return watched;
}

/** The numbers that a chart says of itself in its `data-` attributes. */
export async function chartFacts(page: Page, channel: string): Promise<Readonly<Record<string, number>>> {
  const found = await page.evaluate<Record<string, string>>(
    `({ ...document.querySelector('figure[data-channel="${channel}"]').dataset })`,
  );
  return Object.fromEntries(Object.entries(found).map(([name, text]) => [name, Number(text)]));
}

export interface PixelCounts {
  readonly before: number;
  readonly after: number;
}

/** Pixels of a chart of the colour of a style variable, before and after its anchor (now, or the last event). */
export function countPixels(page: Page, channel: string, variable: string): Promise<PixelCounts> {
  return scanPixels(page, channel, variable, 'alpha >= 20');
}

/** Pixels of the bands of a chart, the 95 % band's margin first: where only one, two or all three lie upon each other. */
export function countBands(page: Page, channel: string, variable: 'past' | 'future'): Promise<PixelCounts[]> {
  const opacities = [0.95, 0.8, 0.5].map((level) => BAND_OPACITY[level]);
  const stacked = opacities.map((_, i) => 1 - opacities.slice(0, i + 1).reduce((clear, o) => clear * (1 - o), 1));
  return Promise.all(
    stacked.map((opacity) => scanPixels(page, channel, variable, `Math.abs(alpha - ${255 * opacity}) < 3`)),
  );
}

function scanPixels(page: Page, channel: string, variable: string, wantedAlpha: string): Promise<PixelCounts> {
  return page.evaluate(`(() => {
    const figure = document.querySelector('figure[data-channel="${channel}"]');
    const canvas = figure.querySelector('canvas');
    const [plot, whole] = [figure.querySelector('.u-over'), canvas].map((e) => e.getBoundingClientRect());
    const { from, to, anchorTime } = figure.dataset;
    const share = (anchorTime - from) / (to - from);
    const now = (plot.left - whole.left + share * plot.width) * (canvas.width / whole.width);
    const hex = getComputedStyle(document.documentElement).getPropertyValue('--${variable}').trim();
    const wanted = [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16));
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    const counts = { before: 0, after: 0 };
    for (let i = 0; i < data.length; i += 4) {
      const alpha = data[i + 3];
      if (!(${wantedAlpha}) || wanted.some((c, j) => Math.abs(c - data[i + j]) > 8)) continue;
      counts[(i / 4) % canvas.width < now ? 'before' : 'after'] += 1;
    }
    return counts;
  })()`);
}

/** Points of the curve that a panel draws. */
export function curvePoints(page: Page, className: string): Promise<number> {
  return page.evaluate(`document.querySelector('path.${className}').getAttribute('d').split('L').length`);
}

/** CSS pixels by which the page is wider than its window. */
export function overflow(page: Page): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - innerWidth');
}
