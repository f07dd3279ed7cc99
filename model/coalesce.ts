/**
 * The desk at which forecasts ask an engine for paths. What is asked within one turn of the event loop becomes one job, whose
 * lanes all share; nobody waits for a timer. What would hold the thread for long is cut into pieces, and between two jobs
 * others have their turn: a query of thousands of paths delays one of a single path by one job. What a query is answered does
 * not depend on its company, so neither does it matter how it was cut.
 */
import { setImmediate } from 'node:timers/promises';
import { encodeAndDecode } from './engine/encode-decode.ts';
import type { Engine } from './engine/engine.ts';
import type { Posterior, Ragged, SolveStatus } from './latent/batch.ts';
import { knotRange } from './latent/knots.ts';
import type { PathAnswer, PathAnswers, PathQuery, PathRequest } from './latent/query.ts';
import type { ModelSpec } from './latent/spec.ts';
import { joinRagged } from './normalise.ts';

/** A window on its way to its posterior: one of the two is there. Whoever reads the same window may share it. */
export interface PosteriorSource {
  /** One sample. */
  context: Ragged | undefined;
  /** [1, L] */
  posterior: Posterior | undefined;
}

export interface PathAsk extends Omit<PathQuery, 'posterior'> {
  readonly source: PosteriorSource;
}

export interface PathDesk {
  /** Rejects with what the engine throws, and only if it throws of this one by itself. */
  ask(ask: PathAsk): Promise<PathAnswer>;
}

export interface PathDeskOptions {
  /** Resolves when all that is ready in this turn of the event loop has been heard. */
  readonly turn?: () => Promise<unknown>;
  /** Multiply-adds of one job. */
  readonly work?: number;
}

/** Some milliseconds of native kernels, three times as many of WebAssembly. */
const MAX_WORK = 100_000_000;
/** Rows times paths of one job: bounds memory, whatever is asked. */
const MAX_ROWS = 65_536;
/** Paths that are not parted: as many lanes as the widest tile has. */
const UNPARTED = 32;

export function createPathDesk(
  engine: Engine,
  parameters: Float32Array,
  { turn = () => setImmediate(), work = MAX_WORK }: PathDeskOptions = {},
): PathDesk {
  const compute = (request: PathRequest): Promise<PathAnswers> =>
    engine.answer?.(parameters, request) ?? encodeAndDecode(engine, parameters, request);
  const waiting: Waiting[] = [];
  let working = false;
  const serve = async () => {
    working = true;
    while (waiting.length > 0) {
      await turn();
      await runJob(engine.spec, compute, takeJob(waiting, work));
    }
    working = false;
  };
  return {
    ask: (ask) =>
      new Promise((resolve, reject) => {
        if (ask.times.length === 0) return resolve(emptyAnswer(0, ask.noise.length / engine.spec.latentSize));
        const pieces = piecesOf(engine.spec, ask, work);
        waiting.push({ ask, pieces, answer: undefined, resolve, reject, left: pieces.length });
        if (!working) void serve();
      }),
  };
}

// What is asked, in pieces -------------------------------------------------------------------------------------------

/** Draws `draw` … and times `row` … of a query. */
interface Piece {
  readonly draw: number;
  readonly draws: number;
  readonly row: number;
  readonly rows: number;
  /** Multiply-adds. */
  readonly work: number;
}

interface Waiting {
  readonly ask: PathAsk;
  /** Not yet taken, at least one while it waits. */
  readonly pieces: Piece[];
  /** Not yet answered. */
  left: number;
  answer: PathAnswer | undefined;
  readonly resolve: (answer: PathAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Draws are parted first, because a path read in two parts is solved twice. */
function piecesOf(spec: ModelSpec, { times, noise, source }: PathAsk, limit: number): Piece[] {
  const paths = noise.length / spec.latentSize;
  const onePath = pathWork(spec, times);
  const rows = Math.max(1, Math.min(times.length, Math.floor(MAX_ROWS / Math.min(paths, UNPARTED))));
  const most = Math.min(limit / onePath, MAX_ROWS / rows);
  const draws = Math.min(paths, Math.max(1, Math.floor(most / UNPARTED)) * UNPARTED);
  const pieces: Piece[] = [];
  for (let row = 0; row === 0 || row < times.length; row += rows) {
    for (let draw = 0; draw < paths; draw += draws) {
      const part = { draw, draws: Math.min(draws, paths - draw), row, rows: Math.min(rows, times.length - row) };
      pieces.push({ ...part, work: part.draws * onePath + (pieces.length === 0 ? encoderWork(spec, source) : 0) });
    }
  }
  return pieces;
}

/** Multiply-adds of one path, of whichever method: about right is enough. */
function pathWork({ latentSize, channels, dynamics, decoder, solver }: ModelSpec, times: Float64Array): number {
  const { units, depth, periodsMs } = dynamics;
  const field = units * (2 * latentSize + 2 * periodsMs.length + (depth - 1) * units);
  const { first, last } = knotRange(times, solver.knotSpacing);
  return 4 * (last - first) * field + times.length * decoder.units * (latentSize + 2 * channels.length);
}

function encoderWork({ encoder, channels }: ModelSpec, { context }: PosteriorSource): number {
  return (context?.times.length ?? 0) * 3 * encoder.units * (encoder.units + 2 * channels.length + 1);
}

interface Part {
  readonly of: Waiting;
  readonly piece: Piece;
}

/** A piece of everyone in turn until the job is full; who has more behind it waits for the next at the end of the line. */
function takeJob(waiting: Waiting[], limit: number): Part[] {
  const parts: Part[] = [];
  let [work, rows] = [0, 0];
  for (let of = waiting.shift(); of !== undefined; of = waiting.shift()) {
    const [piece] = of.pieces;
    work += piece.work;
    rows += piece.draws * piece.rows;
    if (parts.length > 0 && (work > limit || rows > MAX_ROWS)) {
      waiting.unshift(of);
      return parts;
    }
    of.pieces.shift();
    parts.push({ of, piece });
    if (of.pieces.length > 0) waiting.push(of);
  }
  return parts;
}

// Jobs ---------------------------------------------------------------------------------------------------------------

type Compute = (request: PathRequest) => Promise<PathAnswers>;

/** Never rejects. A job that throws is tried a part at a time, so that only who is to blame hears of it. */
async function runJob(spec: ModelSpec, compute: Compute, parts: readonly Part[]): Promise<void> {
  const wanted = parts.filter(({ of }) => of.left > 0);
  if (wanted.length === 0) return;
  try {
    await answerParts(spec, compute, wanted);
  } catch (error) {
    if (wanted.length > 1) for (const part of wanted) await runJob(spec, compute, [part]);
    else refuse(wanted[0].of, error);
  }
}

function refuse(waiting: Waiting, error: unknown): void {
  waiting.left = 0;
  waiting.reject(error);
}

async function answerParts(spec: ModelSpec, compute: Compute, parts: readonly Part[]): Promise<void> {
  const sources = [...new Set(parts.map(({ of }) => of.ask.source))];
  const unread = sources.filter(({ posterior }) => posterior === undefined);
  const known = sources.filter(({ posterior }) => posterior !== undefined);
  const places = new Map([...unread, ...known].map((source, i) => [source, i]));
  const { posterior, answers } = await compute({
    context: joinRagged(
      unread.flatMap(({ context }) => context ?? []),
      spec.channels.length,
    ),
    known: joinPosteriors(known.flatMap((source) => source.posterior ?? [])),
    queries: parts.map((part) => queryOf(spec, part, places.get(part.of.ask.source) ?? 0)),
  });
  unread.forEach((source, i) => {
    settle(source, posterior, i, spec.latentSize);
  });
  parts.forEach(({ of, piece }, i) => {
    take(spec, of, piece, answers[i]);
  });
}

function joinPosteriors(posteriors: readonly Posterior[]): Posterior {
  const joint = (pick: (of: Posterior) => Float32Array) => Float32Array.from(posteriors.flatMap((p) => [...pick(p)]));
  return { mean: joint((p) => p.mean), logVariance: joint((p) => p.logVariance) };
}

function queryOf({ latentSize }: ModelSpec, { of, piece }: Part, posterior: number): PathQuery {
  const { origin, times, noise } = of.ask;
  const { draw, draws, row, rows } = piece;
  return {
    posterior,
    origin,
    times: times.subarray(row, row + rows),
    noise: noise.subarray(draw * latentSize, (draw + draws) * latentSize),
  };
}

/** The window itself is needed no more. */
function settle(source: PosteriorSource, { mean, logVariance }: Posterior, row: number, latentSize: number): void {
  const own = (column: Float32Array) => column.slice(row * latentSize, (row + 1) * latentSize);
  source.posterior = { mean: own(mean), logVariance: own(logVariance) };
  source.context = undefined;
}

/** Puts the answer of a piece in its place; the last one ends the waiting. */
function take({ channels, latentSize }: ModelSpec, waiting: Waiting, piece: Piece, part: PathAnswer): void {
  const { times, noise } = waiting.ask;
  const paths = noise.length / latentSize;
  const whole = piece.draws === paths && piece.rows === times.length;
  waiting.answer = whole
    ? part
    : merged(waiting.answer ?? emptyAnswer(times.length * channels.length, paths), part, {
        ...piece,
        paths,
        channels: channels.length,
      });
  waiting.left -= 1;
  if (waiting.left === 0) waiting.resolve(waiting.answer);
}

function emptyAnswer(entries: number, paths: number): PathAnswer {
  return {
    mean: new Float32Array(entries * paths),
    scale: new Float32Array(entries * paths),
    status: new Array<SolveStatus>(paths).fill('success'),
    statistics: { functionEvaluations: 0, steps: 0 },
  };
}

/** [T, D, K] of the part into that of the whole, which is changed. */
function merged(
  { mean, scale, status, statistics }: PathAnswer,
  part: PathAnswer,
  { draw, draws, row, rows, paths, channels }: Piece & { readonly paths: number; readonly channels: number },
): PathAnswer {
  for (let entry = 0; entry < rows * channels; entry++) {
    const to = (row * channels + entry) * paths + draw;
    mean.set(part.mean.subarray(entry * draws, (entry + 1) * draws), to);
    scale.set(part.scale.subarray(entry * draws, (entry + 1) * draws), to);
  }
  const { functionEvaluations, steps } = part.statistics;
  return {
    mean,
    scale,
    status: status.map((of, k) => (of === 'success' ? (part.status[k - draw] ?? of) : of)),
    statistics: {
      functionEvaluations: Math.max(statistics.functionEvaluations, functionEvaluations),
      steps: Math.max(statistics.steps, steps),
    },
  };
}
