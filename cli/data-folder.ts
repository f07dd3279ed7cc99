/**
 * The data folder of a process: made if absent, proved writable, and held by one process at a time. The hold is a file
 * with the holder's process id and start, so that a killed process leaves nothing that a person must clean up, also where
 * its id has been given to another process since.
 */
import { existsSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { processRuns, processStart } from '../ingest/processes.ts';
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
    writeFileSync(holder, [process.pid, processStart(process.pid)].join(' '), { flag: 'wx' });
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    const hold = readHold(holder);
    const [pid, start] = hold.split(' ');
    if (isHeld(Number(pid), start)) {
      throw new CliError(
        'data-in-use',
        `The data folder ${path} is in use by process ${pid}. Stop it, or choose another folder with ODECAST_DATA.`,
      );
    }
    removeHold(holder, hold);
    takeHold(path, holder);
  }
}

/** @param start undefined where the holder could not tell it */
function isHeld(pid: number, start: string | undefined): boolean {
  const another = start === undefined ? pid !== process.pid : start === processStart(pid);
  return another && processRuns(pid);
}

/** Empty where it went away meanwhile. */
function readHold(holder: string): string {
  try {
    return readFileSync(holder, 'utf8');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return '';
    throw error;
  }
}

/** Of two processes that find the same dead hold, one moves it away; the other must not remove what the first then writes. */
function removeHold(holder: string, dead: string): void {
  const aside = `${holder}.${process.pid}`;
  try {
    renameSync(holder, aside);
    if (readFileSync(aside, 'utf8') !== dead) linkSync(aside, holder);
    rmSync(aside, { force: true });
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
  }
}
