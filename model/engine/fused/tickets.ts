/**
 * How threads share out the tiles of one batch, in words of shared memory: how many tiles nobody has taken, and how many are
 * not finished. Who comes takes the next; a thread that is late, or held up, only takes fewer.
 */
/// <reference lib="es2024.sharedmemory" />

/** Tiles that are free; whoever has nothing to do sleeps on it. */
const FREE = 0;
/** Tiles whose results are not written yet; whoever waits for a batch sleeps on it. */
const UNFINISHED = 1;
/** Workers that have begun to work. */
const READY = 2;
const WORDS = 3;

export type Tickets = Int32Array<SharedArrayBuffer>;

export function createTickets(): Tickets {
  return new Int32Array(new SharedArrayBuffer(WORDS * Int32Array.BYTES_PER_ELEMENT));
}

/** Opens a batch, all of which lies ready, and wakes at most so many sleepers. */
export function announce(tickets: Tickets, tiles: number, sleepers: number): void {
  Atomics.store(tickets, UNFINISHED, tiles);
  Atomics.store(tickets, FREE, tiles);
  Atomics.notify(tickets, FREE, sleepers);
}

/** A tile of the batch that is open, or nothing. From here to `finish` the batch stays as it is. */
export function claim(tickets: Tickets): number | undefined {
  for (let free = Atomics.load(tickets, FREE); free > 0; ) {
    const found = Atomics.compareExchange(tickets, FREE, free, free - 1);
    if (found === free) return free - 1;
    free = found;
  }
  return undefined;
}

/** Says that a claimed tile's results are written. */
export function finish(tickets: Tickets): void {
  if (Atomics.sub(tickets, UNFINISHED, 1) === 1) Atomics.notify(tickets, UNFINISHED);
}

export function reportReady(tickets: Tickets): void {
  Atomics.add(tickets, READY, 1);
}

export function readyWorkers(tickets: Tickets): number {
  return Atomics.load(tickets, READY);
}

/** Blocks the thread until there may be something to claim. */
export function sleep(tickets: Tickets): void {
  Atomics.wait(tickets, FREE, 0);
}

/** Resolves when something may have become of the batch; nothing where all of it is finished. */
export function progress(tickets: Tickets): Promise<unknown> | undefined {
  const unfinished = Atomics.load(tickets, UNFINISHED);
  if (unfinished === 0) return undefined;
  return Promise.resolve(Atomics.waitAsync(tickets, UNFINISHED, unfinished).value);
}
