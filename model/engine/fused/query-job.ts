/**
 * Queries from windows to distributions as one job of the kernels. Queries that cannot be solved at all stay out of it; the
 * paths of the others share tiles in an order that is chosen here.
 */
import type { SolveStatus } from '../../latent/batch.ts';
import { type KnotRange, knotRange, MAX_KNOTS } from '../../latent/knots.ts';
import type { PathAnswer, PathAnswers, PathQuery, PathRequest } from '../../latent/query.ts';
import type { ModelSpec } from '../../latent/spec.ts';
import { JobPlan, runJob } from './arena.ts';
import { planContext } from './context-part.ts';
import { QUERY_CELLS, QUERY_JOB, writeCells } from './job.ts';
import type { Kernels } from './kernel-library.ts';
import { METHODS, type ModelTables, originTurns, planModel } from './model-cells.ts';
import { planPlaces } from './places.ts';
import { statusOf } from './statuses.ts';

export function answerQueries(
  kernels: Kernels,
  spec: ModelSpec,
  tables: ModelTables,
  parameters: Float32Array,
  { context, known, queries }: PathRequest,
): PathAnswers {
  const plan = new JobPlan();
  const tasks = queries.map((query) => taskOf(spec, query));
  const solved = tasks.filter(({ refusal }) => refusal === undefined);
  const order = fillTiles(solved, kernels.lanes);
  const found = (context.offsets.length - 1) * spec.latentSize;
  const model = planModel(plan, kernels, tables, parameters);
  const places = solved.map((task) => planQuery(plan, spec, task));
  const values = {
    model,
    context: planContext(plan, spec, context),
    mean_at: planPosterior(plan, found, known.mean),
    log_variance_at: planPosterior(plan, found, known.logVariance),
    queries_at: planTable(plan, places),
    paths: order.queryOf.length,
    query_of_at: plan.input(order.queryOf),
    draw_of_at: plan.input(order.drawOf),
    status_at: plan.room(order.queryOf.length),
    evaluations_at: plan.room(order.queryOf.length),
  };
  runJob(kernels, plan, { operation: 'query', cells: QUERY_JOB, values });
  const outcomes = readOutcomes(kernels, values, order, solved);
  const answers = solved.map((task, i) => readAnswer(kernels, spec, task, places[i], outcomes[i]));
  const part = (at: number) => kernels.floats.slice(at, at + found);
  return {
    posterior: { mean: part(values.mean_at), logVariance: part(values.log_variance_at) },
    answers: tasks.map((task) => (task.refusal ? refused(spec, task, task.refusal) : answers[solved.indexOf(task)])),
  };
}

/** A query and what is needed of it. */
interface Task {
  readonly query: PathQuery;
  /** K */
  readonly paths: number;
  readonly knots: KnotRange;
  /** Why it cannot be solved. */
  readonly refusal: SolveStatus | undefined;
}

function taskOf({ latentSize, solver }: ModelSpec, query: PathQuery): Task {
  const knots = knotRange(query.times, solver.knotSpacing);
  const refusal = knots.last - knots.first > MAX_KNOTS ? 'max-steps' : undefined;
  return { query, paths: query.noise.length / latentSize, knots, refusal };
}

// The order in which paths fill tiles --------------------------------------------------------------------------------

/** [M] of each path: the query among those that are solved, and which of its draws it is. */
interface Order {
  readonly queryOf: Int32Array;
  readonly drawOf: Int32Array;
}

/**
 * Tiles of one query first, whose lanes read the same knots. What is left of each query then shares tiles, those of like
 * length together, because a tile takes as long as its longest lane.
 */
function fillTiles(tasks: readonly Task[], lanes: number): Order {
  const total = tasks.reduce((sum, { paths }) => sum + paths, 0);
  const order = { queryOf: new Int32Array(total), drawOf: new Int32Array(total) };
  let next = 0;
  const put = (query: number, from: number, to: number) => {
    order.queryOf.fill(query, next, next + to - from);
    for (let draw = from; draw < to; draw++) order.drawOf[next++] = draw;
  };
  const whole = tasks.map(({ paths }) => paths - (paths % lanes));
  tasks.forEach((_, query) => {
    put(query, 0, whole[query]);
  });
  const length = (query: number) => tasks[query].knots.last - tasks[query].knots.first;
  const byLength = [...tasks.keys()].sort((a, b) => length(b) - length(a));
  for (const query of byLength) put(query, whole[query], tasks[query].paths);
  return order;
}

// Into the arena and out of it ---------------------------------------------------------------------------------------

type QueryPlaces = Readonly<Record<(typeof QUERY_CELLS)[number], number>>;

function planQuery(plan: JobPlan, spec: ModelSpec, { query, paths }: Task): QueryPlaces {
  const { posterior, origin, times, noise } = query;
  const size = times.length * spec.channels.length * paths;
  return {
    posterior,
    draws: paths,
    rows: times.length,
    noise_at: plan.input(noise),
    turns_at: plan.input(originTurns(spec, [origin])),
    ...planPlaces(plan, times, spec.solver.knotSpacing),
    mean_at: plan.room(size),
    scale_at: plan.room(size),
  };
}

/** Room for what the job finds, and behind it what is known. */
function planPosterior(plan: JobPlan, found: number, known: Float32Array): number {
  return plan.filled(found + known.length, ({ floats }, at) => floats.set(known, at + found));
}

function planTable(plan: JobPlan, places: readonly QueryPlaces[]): number {
  const size = QUERY_CELLS.length;
  return plan.filled(size * places.length, (kernels, at) => {
    places.forEach((of, i) => {
      writeCells(kernels, at + i * size, QUERY_CELLS, of);
    });
  });
}

/** Of one query's paths. */
interface Outcome {
  /** [K] */
  readonly status: SolveStatus[];
  /** The most of one path. */
  evaluations: number;
}

function readOutcomes(
  { ints }: Kernels,
  at: { readonly status_at: number; readonly evaluations_at: number },
  { queryOf, drawOf }: Order,
  tasks: readonly Task[],
): Outcome[] {
  const outcomes = tasks.map(
    ({ paths }): Outcome => ({
      status: new Array<SolveStatus>(paths).fill('success'),
      evaluations: 0,
    }),
  );
  for (let path = 0; path < queryOf.length; path++) {
    const outcome = outcomes[queryOf[path]];
    const code = ints[at.status_at + path];
    if (code !== 0) outcome.status[drawOf[path]] = statusOf(code);
    outcome.evaluations = Math.max(outcome.evaluations, ints[at.evaluations_at + path]);
  }
  return outcomes;
}

function readAnswer(
  { floats }: Kernels,
  spec: ModelSpec,
  task: Task,
  { mean_at, scale_at }: QueryPlaces,
  { status, evaluations }: Outcome,
): PathAnswer {
  const size = task.query.times.length * spec.channels.length * task.paths;
  const answer = {
    mean: floats.slice(mean_at, mean_at + size),
    scale: floats.slice(scale_at, scale_at + size),
    status,
    statistics: { functionEvaluations: evaluations, steps: stepsOf(spec, task.knots, evaluations) },
  };
  status.forEach((of, draw) => {
    if (of !== 'success') blank(answer, task.paths, draw);
  });
  return answer;
}

/** A failed path's entries hold no numbers. */
function blank({ mean, scale }: PathAnswer, paths: number, draw: number): void {
  for (let at = draw; at < mean.length; at += paths) {
    mean[at] = Number.NaN;
    scale[at] = Number.NaN;
  }
}

/** A fixed step goes from knot to knot; an adaptive one evaluates all stages but the first, besides a slope a knot. */
function stepsOf({ solver }: ModelSpec, { first, last }: KnotRange, evaluations: number): number {
  const { tableau } = METHODS[solver.method].table;
  if (tableau.error === undefined) return last - first;
  return Math.floor((evaluations - (last - first)) / (tableau.stages - 1));
}

function refused({ channels }: ModelSpec, { query, paths }: Task, reason: SolveStatus): PathAnswer {
  const nothing = () => new Float32Array(query.times.length * channels.length * paths).fill(Number.NaN);
  return {
    mean: nothing(),
    scale: nothing(),
    status: new Array<SolveStatus>(paths).fill(reason),
    statistics: { functionEvaluations: 0, steps: 0 },
  };
}
