/**
 * The data folder of a process: made if absent, proved writable, and held by one process at a time. The hold is a file
 * with the holder's process id, so that a killed process leaves nothing that a person must clean up.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { CliError, systemCode } from './errors.ts';

export interface DataFolder {
  readonly path: string;
  release(): void;
}

export function openDataFolder(path: string): DataFolder {
  const holder = join(path, 'process.pid');
  try {
    makeFolder(path);
    takeHold(path, holder);
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw new CliError(
      'data-folder',
      `The data folder ${path} cannot be written (${systemCode(error) ?? error}). Choose another with ODECAST_DATA or the key "data".`,
      { cause: error },
    );
  }
  return { path, release: () => rmSync(holder, { force: true }) };
}

/** Level by level: Node's own `recursive` loops for ever where a file system answers a mkdir with ENOENT, as /proc does. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}

function takeHold(path: string, holder: string): void {
  try {
    writeFileSync(holder, `${process.pid}`, { flag: 'wx' });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    const pid = Number(readFileSync(holder, 'utf8'));
    if (pid !== process.pid && isAlive(pid)) {
      throw new CliError(
        'data-in-use',
        `The data folder ${path} is in use by process ${pid}. Stop it, or choose another folder with ODECAST_DATA.`,
      );
    }
    rmSync(holder, { force: true });
    takeHold(path, holder);
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives, under another user.
    return systemCode(error) === 'EPERM';
  }
}
