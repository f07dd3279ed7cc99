/**
 * Our side of the protocol that `contestant.ts` speaks, the twin of `bench/peers/engine/serve.py`: one line of JSON asks, one
 * line answers.
 */
import { createInterface } from 'node:readline';

/** Something to time. */
export interface Work {
  run(): unknown;
  /** Numbers that all contestants must agree on. */
  check(): Readonly<Record<string, number>> | Promise<Readonly<Record<string, number>>>;
}

/** Variants of each row. */
export type Offers = Readonly<Record<string, Readonly<Record<string, () => Work | Promise<Work>>>>>;

export interface Hello {
  readonly peer: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly offers: Readonly<Record<string, readonly string[]>>;
}

export interface Question {
  readonly row: string;
  readonly variant: string;
  readonly seconds: number;
}

export type Answer =
  | { readonly times: readonly number[]; readonly check: Readonly<Record<string, number>> }
  | { readonly failed: string };

/** V8 compiles what it has seen hot. */
const WARM_UP_MS = 300;

export async function serve(peer: string, versions: Hello['versions'], offers: Offers): Promise<void> {
  const variants = Object.entries(offers).map(([row, works]) => [row, Object.keys(works)]);
  say({ peer, versions, offers: Object.fromEntries(variants) });
  const ready = new Map<string, Prepared>();
  for await (const line of createInterface({ input: process.stdin })) {
    const question: Question = JSON.parse(line);
    say(await answer(question, ready, offers));
  }
}

interface Prepared extends Work {
  readonly values: Readonly<Record<string, number>>;
}

const say = (message: Hello | Answer): void => {
  process.stdout.write(`${JSON.stringify(message)}\n`);
};

async function answer(
  { row, variant, seconds }: Question,
  ready: Map<string, Prepared>,
  offers: Offers,
): Promise<Answer> {
  const key = `${row}/${variant}`;
  try {
    const work = ready.get(key) ?? (await prepare(offers[row][variant]));
    ready.set(key, work);
    return { times: await timed(work, 1000 * seconds), check: work.values };
  } catch (error) {
    return { failed: `${error}`.split('\n')[0] };
  }
}

async function prepare(make: () => Work | Promise<Work>): Promise<Prepared> {
  const work = await make();
  await work.run();
  const values = await work.check();
  await timed(work, WARM_UP_MS);
  return { ...work, values };
}

/** CPU seconds of the process, all its threads. */
export function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** CPU seconds of each call: what others on the machine take from the wall clock is no part of it. What answers at once is not awaited: a turn of the event loop is no part of it. */
async function timed({ run }: Work, milliseconds: number): Promise<number[]> {
  const times: number[] = [];
  for (const end = performance.now() + milliseconds; times.length === 0 || performance.now() < end; ) {
    const begun = cpuSeconds();
    const result = run();
    if (result instanceof Promise) await result;
    times.push(cpuSeconds() - begun);
  }
  return times;
}
