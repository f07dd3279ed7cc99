/** What ends a role before anybody asks it to. */

/**
 * Never resolves; rejects when one of `ends` does. It may reject before anybody waits for it, while a role is still being
 * put together: whoever waits later sees the error, and the process does not die of a rejection that nobody handled.
 */
export function failureOf(ends: readonly Promise<unknown>[]): Promise<never> {
  const failed = new Promise<never>((_, reject) => {
    for (const end of ends) end.catch(reject);
  });
  failed.catch(() => undefined);
  return failed;
}
