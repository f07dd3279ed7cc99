/** `odecast solve`: an initial value problem, by name or typed, solved by one or several methods, as tables and a picture. */
import { CliError } from '../errors.ts';
import { pictureFormat, writePicture } from '../picture.ts';
import { NAMED_PROBLEMS, type NamedProblem } from '../solve/named-problems.ts';
import { pictureOf } from '../solve/picture-of.ts';
import { createProblem, type ProblemText } from '../solve/problem.ts';
import { reportOf, type Solved } from '../solve/report.ts';
import { referenceFor, runMethod } from '../solve/run.ts';
import { textTable } from '../solve/text-table.ts';

export interface SolveCommandOptions extends Partial<ProblemText> {
  readonly method?: readonly string[];
  readonly rtol?: number;
  readonly atol?: number;
  readonly steps?: number;
  readonly plot?: string;
}

/** Without a problem: the list of those that have a name. */
export async function solveProblem(name: string | undefined, options: SolveCommandOptions): Promise<void> {
  if (name === undefined && options.field === undefined) return console.log(listOfProblems());
  if (options.plot) pictureFormat(options.plot);
  const asked = askedFor(name, options);
  const solved = solveAsked(asked, options);
  console.log(reportOf(solved));
  if (options.plot) await writePicture(options.plot, pictureOf(solved, asked.plane));
}

type Asked = Omit<NamedProblem, 'about'>;

/** A named problem with what the options change of it, or the problem that they are. */
function askedFor(name: string | undefined, { field, y0, t0, t1, exact }: SolveCommandOptions): Asked {
  if (name !== undefined) {
    const named = Object.hasOwn(NAMED_PROBLEMS, name) ? NAMED_PROBLEMS[name] : undefined;
    if (!named) throw new CliError('bad-option', `There is no problem "${name}".\n\n${listOfProblems()}`);
    if (field) throw new CliError('bad-option', 'Give a named problem or a --field, not both.');
    const changed = y0 ?? t0;
    const kept = { ...named, y0: y0 ?? named.y0, t0: t0 ?? named.t0, t1: t1 ?? named.t1 };
    // Another start has another exact solution.
    return { ...kept, exact: exact ?? (changed === undefined ? named.exact : undefined) };
  }
  if (!field || !y0) throw new CliError('bad-option', 'Give --y0 with the --field: one number for each component.');
  return { field, y0, t0, t1: t1 ?? (t0 ?? 0) + 10, exact };
}

function solveAsked(asked: Asked, { method, rtol, atol, steps = asked.steps }: SolveCommandOptions): Solved {
  const problem = createProblem(asked);
  const methods = method ?? asked.methods ?? ['tsit5'];
  const runs = methods.map((name) => runMethod(problem, name, { rtol, atol, steps, maxSteps: asked.maxSteps }));
  const exact = problem.exact ?? referenceFor(problem, asked.reference);
  return { problem, runs, exact, exactName: problem.exact ? 'exact' : 'reference' };
}

function listOfProblems(): string {
  const rows = Object.entries(NAMED_PROBLEMS).map(([name, { field, about }]) => [name, about, field]);
  const table = textTable([['problem', 'what it is', 'field'], ...rows]);
  return `${table}\n\nodecast solve free-fall --plot free-fall.svg\nodecast solve --field "y*sin(t)^2" --y0 2 --t1 10 --method euler,rk4 --steps 50`;
}
