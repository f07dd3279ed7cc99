/** The core's peak of multiply-adds, by `peak.c` where a C compiler is there. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const FLAGS = ['-O3', '-march=native', '-mprefer-vector-width=512', '-ffp-contract=fast'];

/** Floating point operations a second, or undefined without a compiler. */
export function measurePeak(): number | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'odecast-peak-'));
  try {
    const program = join(folder, 'peak');
    const built = spawnSync('cc', [...FLAGS, '-o', program, join(import.meta.dirname, 'peak.c')]);
    if (built.status !== 0) return undefined;
    const { status, stdout } = spawnSync(program, { encoding: 'utf8' });
    return status === 0 ? 1e9 * Number(stdout) : undefined;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
