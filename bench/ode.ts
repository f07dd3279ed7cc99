/**
 * The ODE library beside its peers: work and precision over DETEST, the cost of a step, the memory of a gradient. Prints
 * every table with what was promised, and writes them with their pictures into `docs/`.
 *
 * Usage: `npm run bench:ode [-- detest overhead memory]`; minutes. Peers that are not there are named.
 */
import { join } from 'node:path';
import { writePicture } from '../cli/picture.ts';
import { METHODS } from '../model/ode/index.ts';
import { DETEST } from '../test/problems.ts';
import { allocationGoals, allocationTable, measureAllocation } from './ode/allocation.ts';
import { detestGoals, detestTable } from './ode/detest-report.ts';
import { goalTable } from './ode/goal.ts';
import { collector, GRADIENT_MODES, measureGradientMemory, memoryGoals, memoryTable } from './ode/gradient-memory.ts';
import { measureOverhead, overheadGoals, overheadTable } from './ode/overhead.ts';
import { findPython, HOW_TO_INSTALL, runDetestPeers, startTimedPeer } from './ode/peers.ts';
import { PLANAR_PROBLEMS } from './ode/planar-problems.ts';
import { memoryPlot, workPrecisionPlot } from './ode/plots.ts';
import { PUBLISHED_PEERS } from './ode/published-peers.ts';
import {
  errorOf,
  type Failure,
  measureCurve,
  measureMethod,
  referenceEnds,
  type WorkPrecision,
} from './ode/work-precision.ts';
import { machine, writeSection } from './report.ts';

const PLOTS = join(import.meta.dirname, '../docs/plots');
const TOLERANCES = [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11];
const PEER_TOLERANCES = TOLERANCES.slice(2, -2);
/** Evaluations of a method over all problems, above which it is not run. */
const BUDGET = 4e5;

const ADAPTIVE = [...METHODS.values()].filter(({ errorOrder }) => errorOrder !== undefined);

const python = findPython();
// What a step costs depends on what the engine has seen: that is measured first.
const sections = { overhead, detest, memory };
const asked = process.argv.slice(2);
for (const [name, section] of Object.entries(sections)) if (asked.length === 0 || asked.includes(name)) await section();

function report(name: string, title: string, paragraphs: readonly string[]): void {
  const text = [`## ${title}`, `\`npm run bench:ode\`. ${machine()}`, ...paragraphs].join('\n\n');
  writeSection(name, text);
  console.log(`\n${text}`);
}

async function detest(): Promise<void> {
  const references = referenceEnds(DETEST);
  const curves = ADAPTIVE.map((method) => measureCurve(method, TOLERANCES, BUDGET, DETEST, references));
  const [ours, failures] = [curves.flatMap(({ points }) => points), curves.flatMap((curve) => curve.failures)];
  const { peers, source } = detestPeers(references);
  await writePicture(join(PLOTS, 'bench-work-precision.svg'), workPrecisionPlot(ours, peers));
  report('ode-detest', 'ODE methods: work and precision', [
    'DETEST, 25 problems, t from 0 to 20, rtol = atol; evaluations of the field over all problems / geometric mean of the ' +
      "root mean square error of the components at the end, against dop853 at 1e-13. The library's default control for all its methods. " +
      `A dash: not run: it would take more than ${BUDGET} evaluations. ${source}`,
    detestTable([...ours, ...peers]),
    failureSentence(failures),
    '![Work against precision](plots/bench-work-precision.svg)',
    'At the same error: on straight lines between the points of our curve in the logarithmic plane.',
    goalTable(detestGoals(ours, peers)),
  ]);
}

function failureSentence(failures: readonly Failure[]): string {
  const solvers = [...new Set(failures.map(({ solver }) => solver))];
  const said = solvers.map((solver) => {
    const own = failures.filter((failure) => failure.solver === solver);
    return `${solver} (${own.map(({ tolerance, failed }) => `${tolerance.toExponential(0)} ${failed}`).join(', ')})`;
  });
  return said.length === 0
    ? 'Every solve succeeded.'
    : `No point where a problem did not end in success: ${said.join('; ')}.`;
}

function detestPeers(references: ReturnType<typeof referenceEnds>): {
  peers: readonly WorkPrecision[];
  source: string;
} {
  const published = { peers: PUBLISHED_PEERS, source: `Peers: figures measured before. ${HOW_TO_INSTALL}` };
  if (python === undefined) return published;
  const { runs, versions } = runDetestPeers(python, PEER_TOLERANCES);
  const measured = runs.map(({ ends, ...run }) => ({ ...run, error: errorOf(ends, references) }));
  const missing = PUBLISHED_PEERS.filter(({ solver }) => !runs.some((run) => run.solver === solver));
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  const rest = missing.length === 0 ? '' : ` ${[...new Set(missing.map(({ solver }) => solver))]}: measured before.`;
  return { peers: [...measured, ...missing], source: `Peers run here: ${named.join(', ')}.${rest}` };
}

async function overhead(): Promise<void> {
  const peer = python === undefined ? undefined : startTimedPeer(python);
  const overheads = [];
  for (const problem of PLANAR_PROBLEMS) {
    overheads.push(await measureOverhead(problem, { end: 2000, peerEnd: 50, tolerance: 1e-6, rounds: 9 }, peer));
  }
  const references = referenceEnds(DETEST);
  for (const method of ADAPTIVE) measureMethod(method, 1e-3, DETEST, references);
  for (const { title, ...problem } of PLANAR_PROBLEMS) {
    const later = { ...problem, title: `${title}, every method run before` };
    overheads.push(await measureOverhead(later, { end: 2000, peerEnd: 50, tolerance: 1e-6, rounds: 9 }, peer));
  }
  peer?.close();
  const allocations = measureAllocation(100_000);
  report('ode-overhead', 'ODE methods: the cost of a step', [
    'dopri5 under integral control (the method and control of SciPy’s RK45), rtol = atol = 1e-6, fields that write into a ' +
      'buffer; accepted steps a second, median of nine rounds in which the candidates take turns; ratios are medians of ' +
      `the rounds’ ratios. By hand: the same steps, \`bench/ode/hand-written.ts\`. The first two rows: in a process that ran nothing before; the others: after every method on every problem, when the engine has compiled for all of them. ${python === undefined ? `SciPy is not here. ${HOW_TO_INSTALL}` : ''}`,
    overheadTable(overheads),
    'Allocation on Lotka–Volterra: growth of the heap and of buffers between two looks within one long solve, in a process whose ' +
      'young generation is never collected, once the engine has compiled. After many other fields it inlines none of them, and then ' +
      'V8 boxes the time that a field is called with, 16 bytes an evaluation, whoever calls it; the solver adds nothing.',
    allocationTable(allocations),
    goalTable([...overheadGoals(overheads), ...allocationGoals(allocations)]),
  ]);
}

async function memory(): Promise<void> {
  const points = measureGradientMemory(GRADIENT_MODES, [64, 256, 1024, 4096], 256, collector());
  await writePicture(join(PLOTS, 'bench-gradient-memory.svg'), memoryPlot(points));
  report('ode-memory', 'ODE gradients: memory against steps', [
    'Even steps of an adaptive controller, loss of the end state. States: most alive at once, counted by a space that frees by ' +
      'hand. Bytes: live arrays after a full collection, at the end of the forward pass and at 32 points of the way back, so that the peak may lie between two of them; a ' +
      'state of 256 doubles. The times of the steps, which every mode but the adjoint keeps, are among these: eight bytes a step and ' +
      'up to half as much room to grow. Exponent p of the fit peak ~ stepsᵖ. Beside: growth a step of everything else on the heap.',
    memoryTable(GRADIENT_MODES, points),
    '![Peak memory against steps](plots/bench-gradient-memory.svg)',
    goalTable(memoryGoals(GRADIENT_MODES, points)),
  ]);
}
