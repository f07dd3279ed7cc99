/** What `odecast start` tells the person in front of it: what happens, how long it will take, and what to try first. */
import type { StreamConfig } from '../config.ts';
import { bar, count, duration, type Terminal } from '../terminal.ts';
import type { PublishedReport, TrainingNumbers, TrainingReport } from '../training-report.ts';

export interface StartView {
  loaded(stream: string, events: number): void;
  training(report: TrainingReport): void;
  /** Once, when every stream has a model that answers. */
  ready(url: string, example: FirstQuery | undefined, elapsedMs: number): void;
  note(text: string): void;
}

export interface FirstQuery {
  readonly stream: string;
  readonly series: string;
  readonly times: readonly (string | number)[];
}

export function createStartView(terminal: Terminal, streams: readonly StreamConfig[]): StartView {
  const width = Math.max(8, ...streams.map((stream) => stream.name.length));
  const label = (name: string) => `  ${name.padEnd(width)}  `;
  let isReady = false;
  return {
    loaded: (stream, events) => terminal.line(`${label(stream)}${count(events)} events put onto the log`),
    training: (report) => {
      // Where live lines pile up, what goes on for ever would fill the screen.
      if (isReady && !terminal.live && report.kind !== 'published') return;
      showTraining(terminal, label, report);
    },
    ready: (url, example, elapsedMs) => {
      isReady = true;
      for (const line of readyLines(url, example, elapsedMs)) terminal.line(line);
    },
    note: (text) => terminal.line(`  ${text}`),
  };
}

function showTraining(terminal: Terminal, label: (name: string) => string, report: TrainingReport): void {
  if (report.kind === 'engine') {
    terminal.line(`${label('engine')}${report.description}`);
    return;
  }
  const { key, text, ends } = sentence(report);
  const line = text === undefined ? undefined : label(key) + text;
  if (ends) terminal.done(key, terminal.live || report.kind === 'published' ? line : undefined);
  else terminal.update(key, line ?? '');
}

/** What a report says of its stream, and whether that is the end of its live line. */
function sentence(report: Exclude<TrainingReport, { kind: 'engine' }>): { key: string; text?: string; ends: boolean } {
  const key = report.stream;
  switch (report.kind) {
    case 'waiting':
      return { key, text: `waiting for observations (${count(report.observations)} so far)`, ends: false };
    case 'progress':
      return { key, text: progressText(report), ends: false };
    case 'evaluating':
      return { key, text: 'evaluating on held-out data', ends: false };
    case 'idle':
      return { key, ends: true };
    case 'rejected':
      return { key, text: `model not published: ${report.reasons[0]}`, ends: true };
    case 'published':
      return { key, text: publishedText(report), ends: true };
  }
}

function progressText({ elapsedMs, budgetMs, steps, loss }: TrainingNumbers): string {
  const left = duration(Math.max(0, budgetMs - elapsedMs));
  return `training ${bar(elapsedMs / budgetMs)} ${left} left · step ${count(steps)} · loss ${loss.toFixed(3)}`;
}

function publishedText({ version, steps, crps, baseline }: PublishedReport): string {
  const against = baseline ? ` (${baseline.name}: ${baseline.crps.toPrecision(3)})` : '';
  return `model ${version} after ${count(steps)} steps · held-out CRPS ${crps.toPrecision(3)}${against}`;
}

function readyLines(url: string, example: FirstQuery | undefined, elapsedMs: number): string[] {
  return [
    '',
    `  Ready after ${duration(elapsedMs)}.`,
    `  Page      ${url}/`,
    `  API       ${url}/docs`,
    ...(example ? tryLines(url, example) : []),
    '',
    '  Training goes on as events arrive. Ctrl-C stops; the next start goes on from here.',
  ];
}

function tryLines(url: string, { stream, series, times }: FirstQuery): string[] {
  const body = JSON.stringify({ stream, series, times, quantiles: [0.1, 0.5, 0.9] });
  return [
    '  Try       one time between observations, one ahead:',
    '',
    `  curl -s ${url}/v1/forecast -H 'content-type: application/json' -d '${body.replaceAll("'", "'\\''")}'`,
  ];
}
