/** Runs one job again and again, never two at once. Knows neither what the job is nor when it is due. */

export interface Scheduler {
  /** A run within `ms`, after a running one has ended. */
  soon(ms: number): void;
  /** Gives up the running one, whose answer nobody wants any more, and what was planned; runs after `ms`. */
  restart(ms: number): void;
  stop(): void;
}

export function createScheduler(job: (signal: AbortSignal) => Promise<void>): Scheduler {
  let planned: { readonly timer: ReturnType<typeof setTimeout>; readonly due: number } | undefined;
  let running: AbortController | undefined;
  let again = false;

  async function run(): Promise<void> {
    planned = undefined;
    again = running !== undefined;
    if (again) return;
    const mine = new AbortController();
    running = mine;
    await job(mine.signal).catch(() => undefined);
    if (running !== mine) return;
    running = undefined;
    if (again) soon(0);
  }

  function soon(ms: number): void {
    const due = performance.now() + ms;
    if (planned && planned.due <= due) return;
    clearTimeout(planned?.timer);
    planned = { timer: setTimeout(run, ms), due };
  }

  function stop(): void {
    clearTimeout(planned?.timer);
    planned = undefined;
    running?.abort();
    running = undefined;
    again = false;
  }

  function restart(ms: number): void {
    stop();
    soon(ms);
  }

  return { soon, restart, stop };
}
