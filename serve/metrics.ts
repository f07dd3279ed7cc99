/**
 * What is measured, in one table of names, and the one registry that holds it. Made per app: two apps in one process
 * do not share counts. No series as a label: their number is not bounded.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ArtifactHeader } from '../model/artifact-format.ts';

type Kind = 'counter' | 'gauge' | 'histogram';

interface MetricSpec {
  readonly kind: Kind;
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const EVALUATIONS = [10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000];

const counter = (help: string, labels: readonly string[] = []) => ({ kind: 'counter', help, labels }) as const;
const gauge = (help: string, labels: readonly string[] = []) => ({ kind: 'gauge', help, labels }) as const;
const histogram = (help: string, buckets: readonly number[], labels: readonly string[] = []) =>
  ({ kind: 'histogram', help, labels, buckets }) as const;

export const METRICS = {
  events_total: counter('Events by what became of them: stored, or the reason of their refusal', ['stream', 'outcome']),
  consumer_lag_records: gauge('Records of the topic that are not stored yet', ['stream']),
  consumer_lag_seconds: gauge('How long ago the log took the newest stored record, of the partition furthest behind', [
    'stream',
  ]),
  store_observations: gauge('Observations in the store', ['stream']),
  forecast_requests_total: counter('Forecast queries by outcome: success, a solver status, or a problem code', [
    'outcome',
  ]),
  forecast_duration_seconds: histogram('Time to answer one forecast query', SECONDS),
  solver_function_evaluations: histogram('Evaluations of the vector field in one solve', EVALUATIONS, ['direction']),
  forecast_windows_total: counter(
    'Windows that forecasts read: hit where the posterior was known already, miss where the encoder had to run',
    ['stream', 'outcome'],
  ),
  model_info: gauge('1 for the live model', ['stream', 'version', 'alias']),
  model_trained_through_timestamp_seconds: gauge('Event time of the newest observation the live model has learnt', [
    'stream',
  ]),
  model_swap_duration_seconds: histogram('Time to open and warm a new model', SECONDS),
  model_refused_total: counter('Artifacts that were refused, the old model staying live', ['stream']),
  training_step_duration_seconds: histogram('Time of one training step', SECONDS, ['stream']),
  training_loss: gauge('Training loss, nats per target entry', ['stream']),
  training_windows_total: counter('Windows trained on', ['stream']),
  evaluation_crps: gauge('Extrapolation CRPS on held-out windows, of the live model and of each baseline', [
    'stream',
    'model',
  ]),
  evaluation_coverage_ratio: gauge('Share of held-out values inside the central interval of a level', [
    'stream',
    'level',
  ]),
  evaluation_skill_ratio: gauge('1 − CRPS / CRPS of the baseline', ['stream', 'baseline']),
} as const satisfies Record<string, MetricSpec>;

export const METRIC_PREFIX = 'odecast_';

type NameOf<K extends Kind> = {
  [N in keyof typeof METRICS]: (typeof METRICS)[N]['kind'] extends K ? N : never;
}[keyof typeof METRICS];
type Labels = Readonly<Record<string, string>>;

export interface Metrics {
  /** Adds to a counter. */
  count(name: NameOf<'counter'>, labels?: Labels, by?: number): void;
  /** Sets a gauge; a value that is not finite is not set. */
  set(name: NameOf<'gauge'>, value: number, labels?: Labels): void;
  /** Observes a value of a histogram. */
  observe(name: NameOf<'histogram'>, value: number, labels?: Labels): void;
  /** Sets the gauges that describe the live model of a stream, and forgets those of the one before. */
  modelLive(header: ArtifactHeader, alias: string): void;
  /** Runs before each scrape, to set gauges that are cheaper to read than to follow. */
  beforeScrape(read: () => void): void;
  readonly contentType: string;
  /** The exposition text. */
  text(): Promise<string>;
}

/** @param defaults whether to collect the process's own metrics too (memory, event loop, …). */
export function createMetrics({ defaults = true }: { readonly defaults?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (defaults) collectDefaultMetrics({ register: registry });
  const { counters, gauges, histograms } = register(registry);
  const readers: (() => void)[] = [];
  /** What is shown of the live model of each stream, to be taken away with it. */
  const shown = new Map<string, readonly Reading[]>();
  const metrics: Metrics = {
    count: (name, labels = {}, by = 1) => counters.get(name)?.inc({ ...labels }, by),
    set: (name, value, labels = {}) => {
      if (Number.isFinite(value)) gauges.get(name)?.set({ ...labels }, value);
    },
    observe: (name, value, labels = {}) => histograms.get(name)?.observe({ ...labels }, value),
    modelLive: (header, alias) => {
      for (const [name, , labels] of shown.get(header.stream) ?? []) gauges.get(name)?.remove({ ...labels });
      const readings = modelReadings(header, alias);
      shown.set(header.stream, readings);
      for (const [name, value, labels] of readings) metrics.set(name, value, labels);
    },
    beforeScrape: (read) => readers.push(read),
    contentType: registry.contentType,
    text: () => {
      for (const read of readers) read();
      return registry.metrics();
    },
  };
  return metrics;
}

interface Instruments {
  readonly counters: Map<string, Counter>;
  readonly gauges: Map<string, Gauge>;
  readonly histograms: Map<string, Histogram>;
}

function register(registry: Registry): Instruments {
  const made: Instruments = { counters: new Map(), gauges: new Map(), histograms: new Map() };
  for (const [name, spec] of Object.entries<MetricSpec>(METRICS)) {
    const options = {
      name: METRIC_PREFIX + name,
      help: spec.help,
      labelNames: [...spec.labels],
      registers: [registry],
    };
    if (spec.kind === 'counter') made.counters.set(name, new Counter(options));
    if (spec.kind === 'gauge') made.gauges.set(name, new Gauge(options));
    if (spec.kind === 'histogram')
      made.histograms.set(name, new Histogram({ ...options, buckets: [...(spec.buckets ?? SECONDS)] }));
  }
  return made;
}

/** A value of a gauge with its labels. */
type Reading = readonly [name: NameOf<'gauge'>, value: number, labels: Labels];

function modelReadings(header: ArtifactHeader, alias: string): readonly Reading[] {
  const { stream, version, evaluation } = header;
  const { crps, coverage } = evaluation.extrapolation;
  const baselines = Object.entries(evaluation.baselines);
  return [
    ['model_info', 1, { stream, version, alias }],
    ['model_trained_through_timestamp_seconds', header.trainedThrough / 1000, { stream }],
    ['evaluation_crps', crps, { stream, model: 'latent-ode' }],
    ...baselines.map(([model, s]): Reading => ['evaluation_crps', s.crps, { stream, model }]),
    ...baselines.map(([baseline, s]): Reading => ['evaluation_skill_ratio', 1 - crps / s.crps, { stream, baseline }]),
    ...Object.entries(coverage).map(
      ([level, share]): Reading => ['evaluation_coverage_ratio', share, { stream, level }],
    ),
  ];
}
