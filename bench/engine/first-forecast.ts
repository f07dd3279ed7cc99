/**
 * Time of training to the first good forecast: the demonstration's spirals, a trainer as the product has it, and a look at its
 * held-out score every few seconds, which are not counted. Good: a CRPS of at most 0.7 of the best baseline's.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StreamConfig } from '../../cli/config.ts';
import { SPIRAL_WORLD, spiralEvents } from '../../cli/demo/spirals.ts';
import { loadConfig } from '../../cli/load-config.ts';
import { DEMO_CONFIG } from '../../cli/package-info.ts';
import type { ObservationStore } from '../../ingest/observation-store.ts';
import { openStore } from '../../ingest/store.ts';
import { selectEngine } from '../../model/engine/select.ts';
import { sourceOf } from '../../model/train/pool.ts';
import { createTrainer } from '../../model/train/trainer.ts';

const NOW = Date.UTC(2026, 10, 22);
const PAST_MS = 2 * 3_600_000;
const GOOD = 0.7;

export interface FirstForecast {
  readonly engine: string;
  /** Of training; undefined: not within the limit. */
  readonly seconds: number | undefined;
  readonly steps: number;
  /** CRPS over the best baseline's at the end. */
  readonly share: number;
}

export async function measureFirstForecast(
  engines: readonly string[],
  { lookMs, limitMs }: { readonly lookMs: number; readonly limitMs: number },
): Promise<FirstForecast[]> {
  const folder = mkdtempSync(join(tmpdir(), 'odecast-bench-'));
  const store = openStore(folder);
  try {
    const { config } = loadConfig({ directory: folder, environment: {}, fallback: DEMO_CONFIG });
    const options = config.streams.filter(({ name }) => name === 'spirals')[0];
    await fill(store, options.name);
    const results: FirstForecast[] = [];
    for (const engine of engines) results.push(await train(options, store, engine, lookMs, limitMs));
    return results;
  } finally {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fill(store: ObservationStore, stream: string): Promise<void> {
  const events = spiralEvents(SPIRAL_WORLD, NOW - PAST_MS, NOW);
  const observations = events.map(({ series, time, values }) => ({
    series,
    time,
    values: Float64Array.of(values.x, values.y),
  }));
  await store.put(stream, observations);
}

async function train(
  options: StreamConfig,
  store: ObservationStore,
  engine: string,
  lookMs: number,
  limitMs: number,
): Promise<FirstForecast> {
  const provider = await selectEngine({ preference: engine });
  const clock = { monotonic: () => performance.now(), now: () => NOW };
  const trainer = createTrainer({ options, source: sourceOf(store, options.name), provider, clock });
  let [spent, steps, share] = [0, 0, Number.POSITIVE_INFINITY];
  while (spent < limitMs && share > GOOD) {
    const begun = performance.now();
    ({ steps } = await trainer.round({ budgetMs: lookMs }));
    spent += performance.now() - begun;
    const { extrapolation, baselines } = (await trainer.artifact()).header.evaluation;
    share = extrapolation.crps / Math.min(...Object.values(baselines).map(({ crps }) => crps));
  }
  trainer.close();
  return { engine, seconds: share <= GOOD ? spent / 1000 : undefined, steps, share };
}
