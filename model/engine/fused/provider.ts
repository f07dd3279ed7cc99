/** The fused kernels as an engine that can be chosen: which build, on how many threads, and what it cannot run. */
import { availableParallelism } from 'node:os';
import type { ModelSpec } from '../../latent/spec.ts';
import type { Engine } from '../engine.ts';
import { EngineError, require } from '../engine-error.ts';
import { MOST_THREADS } from '../threads.ts';
import { createFusedEngine } from './fused-engine.ts';
import { type Kernels, type LoadKernelsOptions, loadKernels } from './kernels.ts';
import { alone, createWorkers } from './workers.ts';

export interface FusedOptions {
  /** Which kind of build. Default: the best there is. */
  readonly kind?: Kernels['kind'];
  /** Threads that training uses. Default: the environment's ODECAST_THREADS, else the machine's cores, at most four. */
  readonly threads?: number;
  /** Where the built kernels are. */
  readonly folder?: string;
}

export interface OpenFused {
  /** What runs the arithmetic, for the log. */
  readonly description: string;
  open(spec: ModelSpec): Engine;
}

/** A batch has some tiles, not dozens: more threads would find nothing to do. */
const USEFUL_THREADS = 4;

/** @throws EngineError `no-engine` when there are no kernels of that kind, or the environment asks for what cannot be */
export async function openFused({ kind, threads = threadsWanted(), folder }: FusedOptions = {}): Promise<OpenFused> {
  const choice = process.env.ODECAST_KERNELS || kind;
  const options: LoadKernelsOptions = { ...(choice && { choice }), ...(folder && { folder }) };
  const kernels = await loadKernels(options);
  require(kind === undefined || kernels.kind === kind, 'no-engine', () =>
    `ODECAST_KERNELS is ${choice}, which is not ${kind}`);
  return {
    description: `${kernels.description}, training on ${threads === 1 ? 'one thread' : `${threads} threads`}`,
    open: (spec) =>
      createFusedEngine(spec, kernels, (trainer) =>
        threads === 1 ? alone(trainer) : createWorkers(trainer, { threads, kernels: options }),
      ),
  };
}

function threadsWanted(): number {
  const text = process.env.ODECAST_THREADS;
  if (!text) return Math.min(availableParallelism(), USEFUL_THREADS);
  const threads = Number(text);
  if (Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS) return threads;
  throw new EngineError(
    'no-engine',
    `ODECAST_THREADS is ${text}; give a whole number from 1 to ${MOST_THREADS}, or leave it out`,
  );
}
