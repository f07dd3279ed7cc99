/**
 * Training on several cores: the tiles of a batch are computed by the calling thread and by workers, each with kernels of its
 * own. Tiles' gradients are added in the order of the tiles, so a batch gives the same bytes on any number of threads.
 *
 *   owner    writes the batch ── announce ──▶ takes tiles ─────────────▶ waits ──▶ adds the results
 *   worker   sleeps ────────────────────────▶ takes tiles, writes results ▶ sleeps
 *
 * Workers are started with the first batch of more than one tile, and keep no process alive unless a batch waits for them.
 */
import { Worker } from 'node:worker_threads';
import type { LossAndGradient } from '../../latent/batch.ts';
import { EngineError } from '../engine-error.ts';
import type { LoadKernelsOptions } from './kernels.ts';
import { type ModelShape, sharedBytes, writeShared } from './shared-task.ts';
import { announce, claim, createTickets, finish, progress, readyWorkers, type Tickets } from './tickets.ts';
import { tilesOf } from './tile.ts';
import { createResults, joinTiles, type TileResults, type TileTask, type TileTrainer, trainTile } from './train-job.ts';
import type { WorkerTask } from './worker.ts';

/** Who computes the tiles of a batch. */
export interface Crew {
  train(task: TileTask): Promise<LossAndGradient>;
  /** Threads that take part at present: they need some tenths of a second to start, and batches do not wait for them. */
  readonly threads: number;
  /** Batches that are not finished are rejected. Idempotent. */
  close(): void;
}

/** All tiles on the calling thread. */
export function alone(trainer: TileTrainer): Crew {
  return { train: async (task) => trainAlone(trainer, task), threads: 1, close: () => {} };
}

function trainAlone(trainer: TileTrainer, task: TileTask): LossAndGradient {
  const tiles = tilesOf(task.batch, trainer.kernels.lanes);
  const results = createResults(tiles, trainer.parameters, task.batch.noise.length / trainer.spec.latentSize);
  for (let tile = 0; tile < tiles; tile++) trainTile(trainer, task, tile, results);
  return joinTiles(results);
}

export interface WorkersOptions {
  /** At least 1, and the calling thread among them if it takes part. */
  readonly threads: number;
  /** What the trainer's own kernels were loaded with. */
  readonly kernels: LoadKernelsOptions;
  /** Whether the calling thread computes too. Default true; false where it must never be blocked. */
  readonly callerWorks?: boolean;
}

export function createWorkers(trainer: TileTrainer, options: WorkersOptions): Crew {
  return new WorkerCrew(trainer, options);
}

/** Batches grow slowly: larger places are larger by a half. */
const HEADROOM = 1.5;

class WorkerCrew implements Crew {
  readonly #trainer: TileTrainer;
  readonly #options: WorkersOptions;
  readonly #model: ModelShape;
  readonly #tickets: Tickets = createTickets();
  readonly #workers: Worker[] = [];
  #memory = new SharedArrayBuffer(0);
  /** The batch in work: one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  /** Why there will be no more. */
  #ended: EngineError | undefined;
  #onEnd: ((reason: EngineError) => void) | undefined;

  constructor(trainer: TileTrainer, options: WorkersOptions) {
    const { spec, kernels, parameters } = trainer;
    this.#trainer = trainer;
    this.#options = options;
    this.#model = { parameters, channels: spec.channels.length, latentSize: spec.latentSize, lanes: kernels.lanes };
  }

  get threads(): number {
    return readyWorkers(this.#tickets) + (this.#options.callerWorks === false ? 0 : 1);
  }

  async train(task: TileTask): Promise<LossAndGradient> {
    if (this.#ended) throw this.#ended;
    const { callerWorks = true } = this.#options;
    const tiles = tilesOf(task.batch, this.#model.lanes);
    if (callerWorks && tiles === 1) return trainAlone(this.#trainer, task);
    const result = this.#turn.then(() => this.#trainTogether(task, tiles, callerWorks));
    this.#turn = result.catch(() => undefined);
    return result;
  }

  close(): void {
    this.#end(new EngineError('closed', 'This engine was closed; open another with its provider.'));
  }

  async #trainTogether(task: TileTask, tiles: number, callerWorks: boolean): Promise<LossAndGradient> {
    if (this.#ended) throw this.#ended;
    const results = this.#publish(task);
    this.#employ(Math.min(this.#options.threads, tiles) - (callerWorks ? 1 : 0));
    announce(this.#tickets, tiles, this.#workers.length);
    const failure = callerWorks ? this.#takePart(task, results) : undefined;
    await this.#allFinished();
    if (failure !== undefined) throw failure;
    return joinTiles(results);
  }

  #publish(task: TileTask): TileResults {
    const bytes = sharedBytes(this.#model, task);
    if (bytes > this.#memory.byteLength) {
      this.#memory = new SharedArrayBuffer(8 * Math.ceil((HEADROOM * bytes) / 8));
      for (const worker of this.#workers) worker.postMessage(this.#memory);
    }
    return writeShared(this.#memory, this.#model, task);
  }

  #employ(count: number): void {
    while (this.#workers.length < count) this.#workers.push(this.#start());
  }

  #start(): Worker {
    const { spec, kernels } = this.#trainer;
    const workerData: WorkerTask = {
      spec,
      model: this.#model,
      kernels: this.#options.kernels,
      description: kernels.description,
      tickets: this.#tickets,
      memory: this.#memory,
    };
    const worker = startWorker(workerData);
    worker.on('error', (error) => this.#end(dead(error.message)));
    worker.on('exit', (code) => this.#end(dead(`exit code ${code}`)));
    worker.unref();
    return worker;
  }

  /** Computes what nobody else takes. What goes wrong with one tile is kept, and the rest is not computed but let go. */
  #takePart(task: TileTask, results: TileResults): Error | undefined {
    let failure: Error | undefined;
    for (let tile = claim(this.#tickets); tile !== undefined; tile = claim(this.#tickets)) {
      try {
        if (failure === undefined) trainTile(this.#trainer, task, tile, results);
      } catch (error) {
        failure = error instanceof Error ? error : new Error(`${error}`);
      }
      finish(this.#tickets);
    }
    return failure;
  }

  /** Lets the event loop turn meanwhile: so the end of a worker is heard, and everything else goes on. */
  async #allFinished(): Promise<void> {
    let next = progress(this.#tickets);
    if (next === undefined) return;
    for (const worker of this.#workers) worker.ref();
    try {
      for (; next !== undefined; next = progress(this.#tickets)) await this.#orEnd(next);
    } finally {
      for (const worker of this.#workers) worker.unref();
    }
  }

  /** Not Promise.race: it would hang something on one long-lived promise at every step. */
  #orEnd(progress: Promise<unknown>): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      this.#onEnd = reject;
      progress.then(resolve, reject);
    });
  }

  #end(reason: EngineError): void {
    if (this.#ended) return;
    this.#ended = reason;
    this.#onEnd?.(reason);
    for (const worker of this.#workers) void worker.terminate();
  }
}

const dead = (how: string): EngineError =>
  new EngineError('worker-died', `A training thread ended (${how}); open the engine anew, or give it one thread.`);

const SOURCES = import.meta.filename.endsWith('.ts');

/** From sources, a thread must be taught TypeScript, however the thread that starts it has learnt it. */
function startWorker(workerData: WorkerTask): Worker {
  const entry = new URL(SOURCES ? './worker.ts' : './worker.js', import.meta.url);
  if (!SOURCES) return new Worker(entry, { workerData });
  const teacher = import.meta.resolve('tsx/esm/api');
  const lesson = `import('${teacher}').then(({ register }) => (register(), import('${entry.href}')));`;
  return new Worker(lesson, { eval: true, execArgv: [], workerData });
}
