/**
 * What was opened is closed in the opposite order, whatever happens between: at the end, or when the opening of something
 * later fails. A close that fails keeps none of the others from running.
 */

export interface Cleanup {
  add(close: () => Promise<void> | void): void;
  /** Closes everything, the newest first; rejects with the first failure once all have run. Idempotent. */
  run(): Promise<void>;
}

export function createCleanup(): Cleanup {
  const closes: (() => Promise<void> | void)[] = [];
  return {
    add: (close) => void closes.push(close),
    run: async () => {
      const failures: unknown[] = [];
      for (let close = closes.pop(); close; close = closes.pop()) {
        try {
          await close();
        } catch (error) {
          failures.push(error);
        }
      }
      if (failures.length > 0) throw failures[0];
    },
  };
}

/** Does the work, then closes what it opened. The work's own failure is the one that is told. */
export async function cleaningUp(work: (cleanup: Cleanup) => Promise<void>): Promise<void> {
  await cleaningUpOnFailure(async (cleanup) => {
    await work(cleanup);
    await cleanup.run();
  });
}

/** Opens something of several parts: whole, or not at all. */
export async function cleaningUpOnFailure<T>(open: (cleanup: Cleanup) => Promise<T>): Promise<T> {
  const cleanup = createCleanup();
  try {
    return await open(cleanup);
  } catch (error) {
    await cleanup.run().catch(() => undefined);
    throw error;
  }
}
