import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { failureOf } from '../../cli/failure.ts';
import { untilStopped } from '../../cli/until-stopped.ts';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
const never = new Promise<never>(() => {});

describe('untilStopped', () => {
  let before: Map<string, readonly unknown[]>;
  const exit = vi.spyOn(process, 'exit').mockImplementation((() => undefined) as never);

  beforeEach(() => {
    before = new Map(SIGNALS.map((signal) => [signal, process.listeners(signal)]));
    exit.mockClear();
  });

  afterEach(() => {
    for (const signal of SIGNALS)
      for (const listener of process.listeners(signal))
        if (!before.get(signal)?.includes(listener)) process.off(signal, listener);
  });

  it.each(SIGNALS)('resolves at %s, and says so once', async (signal) => {
    const onSignal = vi.fn();
    const stopped = untilStopped([never], onSignal);
    process.emit(signal);
    await stopped;
    expect(onSignal).toHaveBeenCalledTimes(1);
    expect(exit).not.toHaveBeenCalled();
  });

  it('ends the process at a second signal, of either kind', async () => {
    const stopped = untilStopped([never], () => undefined);
    process.emit('SIGINT');
    await stopped;
    process.emit('SIGINT');
    expect(exit).toHaveBeenCalledWith(130);
    process.emit('SIGTERM');
    expect(exit).toHaveBeenCalledWith(143);
  });

  it('rejects when something fails; then the first signal already ends the process', async () => {
    const onSignal = vi.fn();
    await expect(untilStopped([Promise.reject(new Error('log gone'))], onSignal)).rejects.toThrow('log gone');
    process.emit('SIGINT');
    expect(onSignal).not.toHaveBeenCalled();
    expect(exit).toHaveBeenCalledWith(130);
  });
});

describe('failureOf', () => {
  it('may reject long before anybody waits, and is still told then', async () => {
    const failed = failureOf([Promise.resolve(), Promise.reject(new Error('consumer died'))]);
    // vitest fails a run with an unhandled rejection.
    await new Promise((resolve) => setTimeout(resolve, 5));
    await expect(failed).rejects.toThrow('consumer died');
  });

  it('never settles where nothing fails', async () => {
    const failed = failureOf([Promise.resolve(), never]);
    const won = await Promise.race([failed, new Promise((resolve) => setTimeout(resolve, 5, 'time'))]);
    expect(won).toBe('time');
  });
});
