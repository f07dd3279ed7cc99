/**
 * The fused engine beside its peers, and what its work costs: `npm run bench:engine [-- contest kernels scaling first] [--rows regexp]
 * [--who regexp] [--quick]`. Contestants are processes on one thread of one core that take turns. Prints every table with what was promised, and
 * writes them with their pictures into `docs/`. Peers that are not there are named. With `--rows` only some rows of the contest are
 * measured anew; the others are taken from the run before. With `--who` only some contestants start, by name.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { writePicture } from '../cli/picture.ts';
import { holdContest, type Pace, type RowResult } from './engine/contest.ts';
import {
  type Command,
  type Contestant,
  OUR_ENGINES,
  ourCommand,
  peerCommands,
  startContestant,
} from './engine/contestant.ts';
import { measureFirstForecast } from './engine/first-forecast.ts';
import { findInterpreters, HOW_TO_INSTALL } from './engine/interpreters.ts';
import { keepResults, withKept } from './engine/kept.ts';
import { kernelTable, measureKernels, narrowSentence } from './engine/kernel-rates.ts';
import { measureNarrowPeak, measurePeak } from './engine/peak.ts';
import { contestPlot, costPlot } from './engine/plots.ts';
import {
  agreementSentence,
  contestGoals,
  earlierSentence,
  failureSentence,
  firstForecastTable,
  queryRates,
  timesTable,
  variantsTable,
  versionsSentence,
} from './engine/report.ts';
import { ROWS } from './engine/rows.ts';
import {
  costGoals,
  costTable,
  measureCosts,
  measureMemory,
  measureThreads,
  memoryTable,
  threadsGoal,
} from './engine/scaling.ts';
import { goalTable } from './ode/goal.ts';
import { machine, writeSection } from './report.ts';

const PLOTS = join(import.meta.dirname, '../docs/plots');
const FULL: Pace = { rounds: 7, trialSeconds: 0.3, roundSeconds: 0.4 };
const QUICK: Pace = { rounds: 3, trialSeconds: 0.1, roundSeconds: 0.1 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rows: { type: 'string', default: '.' },
    who: { type: 'string', default: '.' },
    quick: { type: 'boolean', default: false },
  },
});
/** A quick run, or one of some contestants, is for the eye: it is not written down. */
const forTheEye = values.quick || values.who !== '.';
const pace = values.quick ? QUICK : FULL;
const sections = { contest, kernels, scaling, first };
for (const [name, section] of Object.entries(sections)) {
  if (positionals.length === 0 || positionals.includes(name)) await section();
}

function report(name: string, title: string, paragraphs: readonly string[]): void {
  const said = paragraphs.filter((paragraph) => paragraph !== '');
  const text = [`## ${title}`, `\`npm run bench:engine\`. ${machine()}`, ...said].join('\n\n');
  if (!forTheEye) writeSection(name, text);
  console.log(`\n${text}`);
}

async function picture(name: string, spec: Parameters<typeof writePicture>[1]): Promise<void> {
  if (!forTheEye) await writePicture(join(PLOTS, name), spec);
}

async function contest(): Promise<void> {
  const interpreters = findInterpreters();
  const commands = [...[...OUR_ENGINES, 'tfjs'].map(ourCommand), ...peerCommands(interpreters)];
  const asked = commands.filter(({ name }) => new RegExp(values.who).test(name));
  const { contestants, absent } = await startAll(asked);
  const fresh: RowResult[] = [];
  for (const row of ROWS.filter(({ id }) => new RegExp(values.rows).test(id))) {
    console.error(row.title);
    fresh.push(await holdContest(row, contestants, pace));
    if (!forTheEye) keepResults(withKept(fresh));
  }
  for (const contestant of contestants) contestant.close();
  const results = forTheEye ? fresh : withKept(fresh);
  await picture('bench-engine-contest.svg', contestPlot(results));
  report('engine-contest', 'The fused engine beside its peers', [
    'Each contestant is a process on one thread of one core. The best of its variants is timed in rounds in which all take turns: ' +
      'medians over the rounds of the fastest call’s CPU time, which on a machine with nothing else to do is its wall time; ratios are ' +
      'medians of the ratios within a round. ' +
      'f(z) = W₂ tanh(W₁ z + b₁) + b₂, batch × latent × hidden. A training step is loss, gradient and Adam.',
    interpreters.length === 0 ? HOW_TO_INSTALL : '',
    timesTable(results),
    '![Times beside the peers’](plots/bench-engine-contest.svg)',
    earlierSentence(results, fresh),
    agreementSentence(results),
    queryRates(results),
    goalTable(contestGoals(results, measurePeak())),
    ['Best variants.', failureSentence(results), ...absent].join(' '),
    variantsTable(results),
    versionsSentence(contestants),
  ]);
}

async function startAll(commands: readonly Command[]) {
  const started = await Promise.allSettled(commands.map(startContestant));
  const contestants = started.flatMap((one): Contestant[] => (one.status === 'fulfilled' ? [one.value] : []));
  const absent = started.flatMap((one) => (one.status === 'rejected' ? [`Not taking part: ${one.reason}.`] : []));
  for (const reason of absent) console.error(reason);
  return { contestants, absent };
}

async function kernels(): Promise<void> {
  const [peak, narrow, rates] = [measurePeak(), measureNarrowPeak(), await measureKernels()];
  const table = peak !== undefined && rates !== undefined ? kernelTable(rates, peak) : 'No C compiler here builds it.';
  report('engine-kernels', 'The fused engine: each kernel beside the core’s peak', [
    'A tile of two vectors of the widest kind that this core has, inputs and outputs in its caches, the best of many short runs. ' +
      'Multiply-adds count as two; tanh and its like do not count.',
    table,
    peak !== undefined && narrow !== undefined ? narrowSentence(peak, narrow) : '',
  ]);
}

async function scaling(): Promise<void> {
  const turns = { rounds: pace.rounds, seconds: pace.roundSeconds };
  // A ratio of wall times on two cores, of which a neighbour may slow one: it takes more rounds.
  const threads = await measureThreads({ ...turns, rounds: 3 * turns.rounds });
  const costs = await measureCosts(turns);
  const memory = await measureMemory();
  await picture('bench-engine-cost.svg', costPlot(costs));
  report('engine-scaling', 'The fused engine: cost, memory and threads against size', [
    'Training steps of the spirals’ model, RK4, one thread; CPU time of the fastest call (of threads: wall time, medians over rounds). Sizes vary alone: 64 windows ' +
      'of 25 observations and 25 times, or 100 of both for posterior samples.',
    costTable(costs),
    '![Cost against size](plots/bench-engine-cost.svg)',
    'Memory of one tile of windows against their times: all of the arena, which grows by a half more than it needs, inputs among it.',
    memoryTable(memory),
    goalTable([...costGoals(costs), threadsGoal(threads)]),
  ]);
}

async function first(): Promise<void> {
  const limits = values.quick ? { lookMs: 1000, limitMs: 3000 } : { lookMs: 1000, limitMs: 120_000 };
  const results = await measureFirstForecast(['fused', 'tfjs'], limits);
  report('engine-first', 'Time of training to the first good forecast', [
    'The demonstration’s spirals, the trainer as `npm start` runs it, looked at every second of training. Good: a held-out CRPS of at most ' +
      '0.7 of the best baseline’s. `tfjs` is what ran before.',
    firstForecastTable(results),
  ]);
}
