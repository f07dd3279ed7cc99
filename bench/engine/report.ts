/** The contest in words: the table of times, what was promised, who disagreed, who ran. */
import type { Goal } from '../ode/goal.ts';
import { median } from '../ode/overhead.ts';
import { markdownTable } from '../report.ts';
import { bestOf, disagreement, type Entry, oursIn, type RowResult, speedup } from './contest.ts';
import { type Contestant, OUR_ENGINES } from './contestant.ts';
import type { FirstForecast } from './first-forecast.ts';
import { FAMILIES, type Row } from './rows.ts';

const UNITS = { µs: 1e6, ms: 1e3 } as const;

export const inUnit = (entry: Entry, { unit }: Row): number => median(entry.rounds) * UNITS[unit];

/** The median over rounds of the fastest call. */
function cell(entry: Entry | undefined, row: Row): string {
  return entry === undefined ? '–' : inUnit(entry, row).toPrecision(3);
}

export function timesTable(results: readonly RowResult[]): string {
  const head = ['one thread', ...OUR_ENGINES.map((name) => `fused ${name}`), ...FAMILIES];
  const rows = results.map((result) => [
    `${result.row.title}, ${result.row.unit}`,
    ...OUR_ENGINES.map((name) => cell(oursIn(result, name), result.row)),
    ...FAMILIES.map((family) => cell(bestOf(result, family), result.row)),
  ]);
  return markdownTable([head, ...rows]);
}

/** Which variant of each family was its best. */
export function variantsTable(results: readonly RowResult[]): string {
  const said = (entry: Entry | undefined) => (entry === undefined ? '–' : `${entry.peer}: ${entry.variant}`);
  const rows = results.map((result) => [result.row.title, ...FAMILIES.map((family) => said(bestOf(result, family)))]);
  return markdownTable([['row', ...FAMILIES], ...rows]);
}

/** Each promise against its peer, the peer's share of the machine's peak, and WebAssembly against native. */
export function contestGoals(results: readonly RowResult[], peak: number | undefined): Goal[] {
  return [
    ...results.flatMap(promised),
    ...results.flatMap((result) => peakGoal(result, peak)),
    ...results.flatMap(wasmGoals),
  ];
}

function promised(result: RowResult): Goal[] {
  const ours = oursIn(result);
  return result.row.promises.map(({ against, factor }) => {
    const peer = bestOf(result, against);
    const what = `${result.row.title}: times faster than ${against}`;
    if (ours === undefined || peer === undefined) {
      return { what, goal: `≥ ${factor}`, measured: 'not run', met: undefined };
    }
    const times = speedup(ours, peer);
    return {
      what,
      goal: `≥ ${factor}`,
      measured: `${times.toFixed(2)} (${peer.peer}, ${peer.variant})`,
      met: times >= factor,
    };
  });
}

const PEAK_SHARE = 0.85;

function peakGoal(result: RowResult, peak: number | undefined): Goal[] {
  const { flops, id, title } = result.row;
  if (flops === undefined || !id.endsWith('32x128')) return [];
  const what = `${title}: share of the core's measured peak, both at their best`;
  const ours = oursIn(result);
  if (ours === undefined || peak === undefined) {
    return [{ what, goal: `≥ ${PEAK_SHARE}`, measured: 'not measured', met: undefined }];
  }
  const rate = flops / Math.min(...ours.rounds);
  const measured = `${(rate / peak).toFixed(2)}: ${giga(rate)} of ${giga(peak)} GFLOP/s`;
  return [{ what, goal: `≥ ${PEAK_SHARE}`, measured, met: rate / peak >= PEAK_SHARE }];
}

const giga = (rate: number): string => (rate / 1e9).toFixed(1);

const WASM_FACTOR = 3;

function wasmGoals(result: RowResult): Goal[] {
  const [native, wasm, jax] = [
    oursIn(result),
    oursIn(result, 'wasm-relaxed') ?? oursIn(result, 'wasm-plain'),
    bestOf(result, 'JAX'),
  ];
  if (wasm === undefined) return [];
  const { title, id } = result.row;
  const slower = native && speedup(native, wasm);
  const faster = jax && speedup(wasm, jax);
  return [
    ...(slower === undefined ? [] : [slowerGoal(`${title}: ${wasm.peer} against native`, slower)]),
    ...(faster !== undefined && id.endsWith('4x20')
      ? [noSlowerGoal(`${title}: ${wasm.peer} against JAX`, faster)]
      : []),
  ];
}

const slowerGoal = (what: string, slower: number): Goal => ({
  what,
  goal: `≤ ${WASM_FACTOR} × its time`,
  measured: `${slower.toFixed(2)} ×`,
  met: slower <= WASM_FACTOR,
});

const noSlowerGoal = (what: string, faster: number): Goal => ({
  what,
  goal: 'no slower',
  measured: `${faster.toFixed(2)} times faster`,
  met: faster >= 1,
});

/** That all compute the same, in a sentence. */
export function agreementSentence(results: readonly RowResult[]): string {
  const worst = results.map((result) => ({ result, worst: disagreement(result) }));
  const bad = worst.flatMap(({ result, worst }) =>
    worst !== undefined && worst.distance > result.row.agreement
      ? [`${result.row.title}: ${worst.peer} is ${worst.distance.toExponential(1)} away`]
      : [],
  );
  const largest = Math.max(0, ...worst.flatMap(({ worst }) => worst?.distance ?? []));
  return bad.length === 0
    ? `All compute the same: sums, losses and norms of gradients are at most ${largest.toExponential(1)} apart (relative; tolerance 1e-3, and 1e-2 where steps are adapted to 1e-3).`
    : `**They do not compute the same**: ${bad.join('; ')}.`;
}

/** Which rows were not measured in this run. */
export function earlierSentence(results: readonly RowResult[], fresh: readonly RowResult[]): string {
  const earlier = results.filter((result) => !fresh.includes(result)).map(({ row }) => row.title);
  return earlier.length === 0 ? '' : `Measured in an earlier run: ${earlier.join('; ')}.`;
}

export function failureSentence(results: readonly RowResult[]): string {
  const said = results.flatMap(({ row, failures }) =>
    failures.map(({ peer, variant, failed }) => `${peer} (${variant}) at ${row.title}: ${failed}`),
  );
  return said.length === 0 ? '' : `Failed: ${said.join('; ')}.`;
}

/** What one thread answers. */
export function queryRates(results: readonly RowResult[]): string {
  const said = results.flatMap((result) => {
    const ours = oursIn(result);
    if (ours === undefined || !result.row.id.startsWith('query')) return [];
    return [`${Math.round(1 / median(ours.rounds)).toLocaleString('en-US')} a second (${result.row.title})`];
  });
  return said.length === 0 ? '' : `Queries that one thread sustains, native: ${said.join(', ')}.`;
}

export function versionsSentence(contestants: readonly Contestant[]): string {
  const said = contestants.map(({ peer, versions }) => {
    const parts = Object.entries(versions).map(([name, version]) => `${name}: ${version.replace(/\.$/, '')}`);
    return `${peer} (${parts.join(', ')})`;
  });
  return `Who ran: ${said.join('; ')}.`;
}

export function firstForecastTable(results: readonly FirstForecast[]): string {
  const rows = results.map(({ engine, seconds, steps, share }) => [
    engine,
    seconds === undefined ? 'not within the limit' : seconds.toFixed(1),
    steps.toLocaleString('en-US'),
    share.toFixed(2),
  ]);
  return markdownTable([['engine', 'seconds of training', 'steps', 'CRPS over the best baseline’s'], ...rows]);
}
