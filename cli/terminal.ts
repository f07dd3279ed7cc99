/**
 * What a person at a terminal sees: lines that stay, and below them one live line for each thing in progress. Where
 * the output is no terminal (a file, CI), live lines become plain ones, at most one for each thing every few seconds.
 */
import { relative } from 'node:path';

export interface Terminal {
  /** Whether live lines replace one another, or pile up. */
  readonly live: boolean;
  /** A line that stays. */
  line(text: string): void;
  /** Replaces the live line of `key`. */
  update(key: string, text: string): void;
  /** Ends the live line of `key`; `text` stays in its place if given. */
  done(key: string, text?: string): void;
}

export interface TerminalOptions {
  readonly write: (text: string) => void;
  /** Columns of a terminal; undefined where the output is none. */
  readonly columns: (() => number) | undefined;
  readonly now: () => number;
}

const PLAIN_INTERVAL_MS = 3000;

export function createTerminal(options: TerminalOptions): Terminal {
  return options.columns ? liveTerminal(options, options.columns) : plainTerminal(options);
}

export function stdoutTerminal(): Terminal {
  const { stdout } = process;
  const columns = stdout.isTTY ? () => stdout.columns || 80 : undefined;
  return createTerminal({ write: (text) => void stdout.write(text), columns, now: () => performance.now() });
}

function liveTerminal({ write }: TerminalOptions, columns: () => number): Terminal {
  const lines = new Map<string, string>();
  // Moves over the live lines and clears them; what follows is written in their place.
  const redraw = (staying: string, before: number) => {
    const erase = before ? `\x1b[${before}A\x1b[0J` : '';
    write(erase + staying + [...lines.values()].map((text) => `${text.slice(0, columns() - 1)}\n`).join(''));
  };
  const change = (staying: string, edit: () => void) => {
    const before = lines.size;
    edit();
    redraw(staying, before);
  };
  return {
    live: true,
    line: (text) => change(`${text}\n`, () => undefined),
    update: (key, text) => change('', () => lines.set(key, text)),
    done: (key, text) => change(text === undefined ? '' : `${text}\n`, () => lines.delete(key)),
  };
}

function plainTerminal({ write, now }: TerminalOptions): Terminal {
  const written = new Map<string, number>();
  return {
    live: false,
    line: (text) => write(`${text}\n`),
    update: (key, text) => {
      if (now() - (written.get(key) ?? Number.NEGATIVE_INFINITY) < PLAIN_INTERVAL_MS) return;
      written.set(key, now());
      write(`${text}\n`);
    },
    done: (key, text) => {
      written.delete(key);
      if (text !== undefined) write(`${text}\n`);
    },
  };
}

/** A bar of `width` cells, `share` of them full. */
export function bar(share: number, width = 20): string {
  const full = Math.round(Math.min(1, Math.max(0, share)) * width);
  return '█'.repeat(full) + '░'.repeat(width - full);
}

/** `1,234,567` */
export function count(n: number): string {
  return n.toLocaleString('en-US');
}

/** `850 ms`, `12 s`, `3 min` */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  return ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`;
}

/** A path as a person would type it from here. */
export function shortPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near === '' ? '.' : near.startsWith('..') ? path : near;
}
