/**
 * A thread that computes tiles: it sleeps until a batch is announced, takes tiles while there are any, and sleeps again. It
 * never comes back to its event loop; its owner ends it. Whatever throws here ends it too, and its owner says so.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { ModelSpec } from '../../latent/spec.ts';
import { EngineError } from '../engine-error.ts';
import { type Kernels, type LoadKernelsOptions, loadKernels } from './kernels.ts';
import { type ModelShape, readShared } from './shared-task.ts';
import { claim, finish, reportReady, sleep, type Tickets } from './tickets.ts';
import { createTileTrainer, trainTile } from './train-job.ts';

/** What a worker is started with. */
export interface WorkerTask {
  readonly spec: ModelSpec;
  readonly model: ModelShape;
  readonly kernels: LoadKernelsOptions;
  /** The owner's kernels: others would give other bits. */
  readonly description: string;
  readonly tickets: Tickets;
  /** Where the batches are, until the owner sends a larger place. */
  readonly memory: SharedArrayBuffer;
}

const { spec, model, kernels: options, description, tickets, memory: first }: WorkerTask = workerData;
const trainer = createTileTrainer(spec, await sameKernels());
let memory = first;
reportReady(tickets);

for (;;) {
  const tile = claim(tickets);
  if (tile === undefined) {
    sleep(tickets);
    continue;
  }
  memory = newestMemory();
  const { task, results } = readShared(memory, model);
  trainTile(trainer, task, tile, results);
  finish(tickets);
}

async function sameKernels(): Promise<Kernels> {
  const kernels = await loadKernels(options);
  if (kernels.description === description) return kernels;
  throw new EngineError('no-engine', `it has other kernels: ${kernels.description} instead of ${description}`);
}

/** A larger place was sent before the batch in it was announced. */
function newestMemory(): SharedArrayBuffer {
  let newest = memory;
  while (parentPort !== null) {
    const sent = receiveMessageOnPort(parentPort);
    if (sent === undefined) break;
    newest = sent.message;
  }
  return newest;
}
