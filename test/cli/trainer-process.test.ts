import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { startTrainerProcess, type TrainerProcess } from '../../cli/trainer-process.ts';
import type { TrainingReport } from '../../cli/training-report.ts';
import { temporaryFolder, until } from './odecast-process.ts';

const CHILD = join(import.meta.dirname, 'trainer-child.ts');
const STARTS_WITHIN_MS = 15_000;
/** Far less than what a stop by force takes in these tests. */
const GRACE_MS = 20_000;

interface Watched {
  readonly trainer: TrainerProcess;
  readonly reports: TrainingReport[];
  readonly deaths: { readonly how: string; readonly waitMs: number }[];
}

const running: TrainerProcess[] = [];

function watch(...args: string[]): Watched {
  const reports: TrainingReport[] = [];
  const deaths: Watched['deaths'] = [];
  const trainer = startTrainerProcess({
    main: CHILD,
    args,
    onReport: (report) => reports.push(report),
    onDeath: (how, waitMs) => deaths.push({ how, waitMs }),
    backOff: { firstMs: 1, longestMs: 2 },
  });
  running.push(trainer);
  return { trainer, reports, deaths };
}

const reached = (condition: () => boolean) => until(async () => condition(), Boolean, STARTS_WITHIN_MS);
const pids = ({ reports }: Watched) => reports.flatMap((r) => (r.kind === 'waiting' ? [r.observations] : []));

/** How a child runs TypeScript. */
const TSX = '--import tsx';

beforeEach(() => {
  vi.stubEnv('NODE_OPTIONS', TSX);
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(running.splice(0).map((trainer) => trainer.stop(0)));
});

describe('startTrainerProcess', () => {
  it('hears reports, numbers that are not finite too, and stops the child in good order', async () => {
    const file = join(temporaryFolder('trainer'), 'ended');
    const watched = watch('obey', file);
    await reached(() => watched.reports.length === 2);
    expect(watched.reports[1]).toMatchObject({ kind: 'progress', loss: Number.NaN });
    const from = performance.now();
    await watched.trainer.stop(GRACE_MS);
    expect(performance.now() - from).toBeLessThan(GRACE_MS / 2);
    expect(existsSync(file)).toBe(true);
    expect(watched.deaths).toEqual([]);
  });

  it('starts another when one is killed', async () => {
    const watched = watch('obey');
    await reached(() => pids(watched).length === 1);
    process.kill(pids(watched)[0], 'SIGKILL');
    await reached(() => pids(watched).length === 2);
    expect(watched.deaths).toEqual([{ how: 'SIGKILL', waitMs: 1 }]);
  });

  it('waits longer after each death up to a bound, and tells the last line of the complaint', async () => {
    const watched = watch('complain');
    await reached(() => watched.deaths.length >= 3);
    expect(watched.deaths.map(({ waitMs }) => waitMs).slice(0, 3)).toEqual([1, 2, 2]);
    expect(watched.deaths[0].how).toBe('exit code 1: odecast: the data folder is in use');
  });

  it('ends by force a child that does not listen', async () => {
    const watched = watch('deaf');
    await reached(() => pids(watched).length === 1);
    await watched.trainer.stop(10);
    expect(() => process.kill(pids(watched)[0], 0)).toThrow(/ESRCH/);
  });

  it('ends the child in good order at SIGTERM, which a supervisor sends to the whole tree', async () => {
    const file = join(temporaryFolder('trainer'), 'ended');
    const watched = watch('obey', file);
    await reached(() => pids(watched).length === 1);
    process.kill(pids(watched)[0], 'SIGTERM');
    await reached(() => watched.deaths.length === 1);
    expect(watched.deaths[0].how).toBe('exit code 0');
    expect(existsSync(file)).toBe(true);
  });

  it('ends the child when the parent is gone', async () => {
    const file = join(temporaryFolder('trainer'), 'ended');
    spawn(process.execPath, [join(import.meta.dirname, 'trainer-orphan.ts'), file], { stdio: 'ignore' });
    await reached(() => existsSync(file));
  });
});
