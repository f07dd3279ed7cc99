/**
 * Which processes of this machine run, for holds that outlive their holder when it is killed. Process ids are given again,
 * soon in a container and after every boot; on Linux the time of a process's start tells two holders of one id apart.
 */
import { readFileSync } from 'node:fs';

/** Whether a process of this id runs. One that has ended but was not waited for yet does not. */
export function processRuns(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, under another user.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return !ENDED.includes(statusOf(pid)?.state ?? '');
}

/** When the process started, in ticks since the machine did; undefined where there is no /proc or no such process. */
export function processStart(pid: number): string | undefined {
  return statusOf(pid)?.start;
}

/** Of proc(5): a zombie, and dead. */
const ENDED = ['Z', 'X', 'x'];
/** Places in /proc/<pid>/stat behind the command, which is in parentheses and may hold anything. */
const STATE = 0;
const START = 19;

function statusOf(pid: number): { readonly state: string; readonly start: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[STATE], start: fields[START] };
  } catch {
    return undefined;
  }
}
