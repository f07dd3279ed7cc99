/** Waits for a person or a supervisor to say stop. */

/**
 * Resolves at SIGINT or SIGTERM; rejects when one of `failures` does. A second signal ends the process at once: whoever
 * sends it does not want to wait.
 */
export async function untilStopped(failures: readonly Promise<never>[], onSignal: () => void): Promise<void> {
  let stop: (() => void) | undefined;
  const signal = new Promise<void>((resolve) => {
    stop = () => {
      process.once('SIGINT', () => process.exit(130));
      process.once('SIGTERM', () => process.exit(143));
      onSignal();
      resolve();
    };
  });
  const once = () => {
    process.off('SIGINT', once).off('SIGTERM', once);
    stop?.();
  };
  process.on('SIGINT', once).on('SIGTERM', once);
  await Promise.race([signal, ...failures]);
}
