/**
 * The whole path in one table: events onto the embedded log and into a store, training steps on what arrived, forecasts over
 * HTTP from the model that came of it. Real parts only, in one process: `npm run bench:smoke`, about a minute.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config, StreamConfig } from '../cli/config.ts';
import { SPIRAL_WORLD, spiralEvents } from '../cli/demo/spirals.ts';
import { loadConfig } from '../cli/load-config.ts';
import { DEMO_CONFIG } from '../cli/package-info.ts';
import { startServeRole } from '../cli/roles/serve-role.ts';
import { MODELS_TOPIC, streamSpec } from '../cli/stream-options.ts';
import { appendEvents } from '../ingest/append.ts';
import { openEmbeddedLog } from '../ingest/log/embedded.ts';
import type { EventLog } from '../ingest/log/event-log.ts';
import { silentLogger } from '../ingest/logger.ts';
import type { ObservationStore } from '../ingest/observation-store.ts';
import type { EngineProvider } from '../model/engine/engine.ts';
import type { GradientMode } from '../model/latent/spec.ts';
import { openRegistry } from '../model/registry.ts';
import { sourceOf } from '../model/train/pool.ts';
import { createTrainer } from '../model/train/trainer.ts';
import { machine, markdownTable, percentile, writeSection } from './report.ts';

const NOW = Date.UTC(2026, 10, 22);
const PAST_MS = 2 * 3_600_000;
const TRAIN_MS = 8000;
const QUERIES = 400;
const WARM_UP = 40;

const folder = mkdtempSync(join(tmpdir(), 'odecast-bench-'));
const { config: demo } = loadConfig({ directory: folder, environment: {}, fallback: DEMO_CONFIG });
const spirals = demo.streams.filter(({ name }) => name === 'spirals');
const config: Config = { ...demo, streams: spirals, data: folder, port: 0 };
const [stream] = spirals;

try {
  const rows = await measure();
  const table = markdownTable([['what', 'measured', 'beside it in the same run', 'ratio'], ...rows]);
  writeSection(
    'smoke',
    `## The whole path\n\n\`npm run bench:smoke\`. ${machine()} One process, one client; stream \`spirals\` of the demonstration.\n\n${table}`,
  );
  console.log(`\n${table}`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(): Promise<string[][]> {
  const log = openEmbeddedLog({ path: join(folder, 'log'), clock: Date.now });
  const role = await startServeRole({ config, log, folder: join(folder, 'serve'), logger: silentLogger });
  try {
    const ingest = await ingestRows(log, role.store);
    const training = await trainingRows(log, role.store, role.engine);
    while (!role.readiness().ready) await new Promise((resolve) => setTimeout(resolve, 20));
    return [...ingest, ...training, ...(await forecastRows(role.server.url, role.store))];
  } finally {
    await role.close();
    await log.close();
  }
}

async function ingestRows(log: EventLog, store: ObservationStore): Promise<string[][]> {
  const events = spiralEvents(SPIRAL_WORLD, NOW - PAST_MS, NOW);
  const begun = performance.now();
  for (let i = 0; i < events.length; i += 2000) await appendEvents(log, streamSpec(stream), events.slice(i, i + 2000));
  while (store.stream(stream.name).observations < events.length) await new Promise((resolve) => setTimeout(resolve, 5));
  const rate = events.length / ((performance.now() - begun) / 1000);
  const parse = parseRate(events.map((event) => JSON.stringify(event)));
  return [
    [
      'events appended, checked and stored, a second',
      figure(rate),
      `JSON.parse alone: ${figure(parse)}`,
      (rate / parse).toFixed(3),
    ],
  ];
}

function parseRate(texts: readonly string[]): number {
  const begun = performance.now();
  for (const text of texts) JSON.parse(text);
  return texts.length / ((performance.now() - begun) / 1000);
}

async function trainingRows(log: EventLog, store: ObservationStore, provider: EngineProvider): Promise<string[][]> {
  const by = (gradient: GradientMode) => train({ ...stream, model: { ...stream.model, gradient } }, store, provider);
  const adjoint = await by('adjoint');
  const backprop = await by('backprop');
  const registry = await openRegistry({ log, topic: MODELS_TOPIC });
  await registry.caughtUp;
  await registry.publish(adjoint.artifact);
  return [
    [
      'training windows a second, adjoint',
      figure(adjoint.rate),
      `through the solver: ${figure(backprop.rate)}`,
      (adjoint.rate / backprop.rate).toFixed(2),
    ],
    [
      `held-out CRPS after ${TRAIN_MS / 1000} s of training`,
      adjoint.crps.toPrecision(3),
      `${adjoint.best.name}: ${adjoint.best.crps.toPrecision(3)}`,
      (adjoint.crps / adjoint.best.crps).toFixed(2),
    ],
  ];
}

async function train(options: StreamConfig, store: ObservationStore, provider: EngineProvider) {
  const clock = { monotonic: () => performance.now(), now: () => NOW };
  const trainer = createTrainer({ options, source: sourceOf(store, options.name), provider, clock });
  const { windowsPerSecond } = await trainer.round({ budgetMs: TRAIN_MS });
  const artifact = await trainer.artifact();
  trainer.close();
  const { extrapolation, baselines } = artifact.header.evaluation;
  const [[name, { crps }]] = Object.entries(baselines).sort(([, a], [, b]) => a.crps - b.crps);
  return { rate: windowsPerSecond, artifact, crps: extrapolation.crps, best: { name, crps } };
}

async function forecastRows(url: string, store: ObservationStore): Promise<string[][]> {
  const series = store.listSeries(stream.name, { limit: 1000 }).map((summary) => summary.series);
  const health = await latencies(() => fetch(`${url}/healthz`));
  const rows: string[][] = [];
  for (const samples of [1, 64]) {
    const times = await latencies((i) => post(url, series[i % series.length], samples));
    for (const share of [0.5, 0.99])
      rows.push([
        `forecast over HTTP, 20 times, ${samples} samples, p${100 * share}`,
        `${percentile(times, share).toFixed(1)} ms`,
        `/healthz: ${percentile(health, share).toFixed(1)} ms`,
        (percentile(times, share) / percentile(health, share)).toFixed(1),
      ]);
  }
  return rows;
}

async function post(url: string, series: string, samples: number): Promise<Response> {
  const body = { stream: stream.name, series, horizon: stream.horizon, step: stream.horizon / 20, samples };
  const response = await fetch(`${url}/v1/forecast`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response;
}

/** @returns ascending, ms */
async function latencies(ask: (i: number) => Promise<Response>): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < WARM_UP + QUERIES; i++) {
    const begun = performance.now();
    await (await ask(i)).arrayBuffer();
    if (i >= WARM_UP) times.push(performance.now() - begun);
  }
  return times.sort((a, b) => a - b);
}

function figure(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
