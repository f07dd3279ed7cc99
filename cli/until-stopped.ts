/** Waits for a person or a supervisor to say stop. */

/**
 * Resolves at SIGINT or SIGTERM; rejects when one of `failures` does. Any signal after that ends the process at once:
 * whoever sends it does not want to wait for what is being closed.
 */
export async function untilStopped(failures: readonly Promise<never>[], onSignal: () => void): Promise<void> {
  let stop = () => {};
  const signalled = new Promise<void>((resolve) => {
    stop = resolve;
  });
  process.on('SIGINT', stop).on('SIGTERM', stop);
  try {
    await Promise.race([signalled.then(onSignal), ...failures]);
  } finally {
    process.off('SIGINT', stop).off('SIGTERM', stop);
    process.once('SIGINT', () => process.exit(130));
    process.once('SIGTERM', () => process.exit(143));
  }
}
