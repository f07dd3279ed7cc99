/**
 * The fused engine beside its peers: `npm run bench:engine [-- contest scaling …] [--rows regexp] [--quick]`. Each contestant is a
 * process on one thread of one core; they take turns. Prints every table with what was promised, and writes them into
 * `docs/benchmarks.md`. Peers that are not there are named.
 */
import { parseArgs } from 'node:util';
import { holdContest, type Pace, type RowResult } from './engine/contest.ts';
import {
  type Command,
  type Contestant,
  OUR_ENGINES,
  ourCommand,
  peerCommands,
  startContestant,
} from './engine/contestant.ts';
import { findInterpreters, HOW_TO_INSTALL } from './engine/interpreters.ts';
import { measurePeak } from './engine/peak.ts';
import { agreementSentence, contestGoals, failureSentence, timesTable, variantsTable } from './engine/report.ts';
import { ROWS } from './engine/rows.ts';
import { goalTable } from './ode/goal.ts';
import { machine, writeSection } from './report.ts';

const FULL: Pace = { rounds: 7, trialSeconds: 0.3, roundSeconds: 0.4 };
const QUICK: Pace = { rounds: 3, trialSeconds: 0.1, roundSeconds: 0.1 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rows: { type: 'string', default: '.' }, quick: { type: 'boolean', default: false } },
});
const pace = values.quick ? QUICK : FULL;
const sections = { contest };
for (const [name, section] of Object.entries(sections)) {
  if (positionals.length === 0 || positionals.includes(name)) await section();
}

/** A quick run is for the eye: only a full one is written down. */
function report(name: string, title: string, paragraphs: readonly string[]): void {
  const text = [`## ${title}`, `\`npm run bench:engine\`. ${machine()}`, ...paragraphs.filter((p) => p !== '')].join(
    '\n\n',
  );
  if (!values.quick && values.rows === '.') writeSection(name, text);
  console.log(`\n${text}`);
}

async function contest(): Promise<void> {
  const interpreters = findInterpreters();
  const contestants = await startAll([...[...OUR_ENGINES, 'tfjs'].map(ourCommand), ...peerCommands(interpreters)]);
  const peak = measurePeak();
  const results: RowResult[] = [];
  for (const row of ROWS.filter(({ id }) => new RegExp(values.rows).test(id))) {
    console.log(`${row.title} …`);
    results.push(await holdContest(row, contestants, pace));
  }
  for (const contestant of contestants) contestant.close();
  const versions = Object.assign(
    {},
    ...contestants.map((one) => ({
      [one.peer]: Object.entries(one.versions)
        .map((v) => v.join(' '))
        .join(', '),
    })),
  );
  report('engine-contest', 'The fused engine beside its peers', [
    'Each contestant is a process on one thread of one core. The best of its variants is timed in rounds in which all take turns: ' +
      'the median over rounds of the fastest call; ratios are medians of the ratios within a round. ' +
      `f(z) = W₂ tanh(W₁ z + b₁) + b₂, batch × latent × hidden. ${interpreters.length === 0 ? HOW_TO_INSTALL : ''}`,
    timesTable(results),
    agreementSentence(results),
    goalTable(contestGoals(results, peak)),
    `Best variants. ${failureSentence(results)}`,
    variantsTable(results),
    `Versions: ${Object.entries(versions)
      .map(([peer, said]) => `${peer} (${said})`)
      .join('; ')}.`,
  ]);
}

async function startAll(commands: readonly Command[]): Promise<Contestant[]> {
  const started = await Promise.allSettled(commands.map(startContestant));
  for (const one of started) if (one.status === 'rejected') console.error(`Not taking part: ${one.reason}`);
  return started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
}
