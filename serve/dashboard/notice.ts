/** The one sentence above the charts: what is wrong, what is waited for, or why there is nothing to see. Pure. */
import type { StreamInfo } from './answers.ts';
import { formatDuration } from './format.ts';

export interface Notice {
  readonly code: string;
  readonly tone: 'calm' | 'problem';
  readonly title: string;
  readonly detail: string;
}

export interface NoticeFacts {
  readonly problem: { readonly code: string; readonly title: string; readonly detail: string } | undefined;
  /** There are streams at all. */
  readonly streams: boolean;
  readonly stream: StreamInfo | undefined;
  readonly series: string | undefined;
}

export function noticeOf({ problem, streams, stream, series }: NoticeFacts): Notice | undefined {
  if (problem?.code === 'no-model') {
    return { code: problem.code, tone: 'calm', title: 'No model yet:', detail: waitingFor(stream) };
  }
  if (problem) return { code: problem.code, tone: 'problem', title: problem.title, detail: problem.detail };
  if (!streams)
    return { code: 'no-streams', tone: 'calm', title: 'No streams.', detail: 'Name one in the configuration.' };
  if (!stream || series !== undefined) return undefined;
  const detail = `POST one to /v1/streams/${stream.name}/events, and it is drawn here.`;
  return { code: 'no-series', tone: 'calm', title: 'No events yet.', detail };
}

/** Counts down only as often as the stream is read, so that the sentence does not flicker. */
function waitingFor(stream: StreamInfo | undefined): string {
  const { state, remainingMs } = stream?.training ?? {};
  if (state === 'waiting') return 'waiting for enough events to learn from.';
  if (remainingMs === undefined) return 'training. The chart fills in by itself.';
  const left = 1000 * Math.max(1, Math.round(remainingMs / 1000));
  return `training, about ${formatDuration(left)} to go. The chart fills in by itself.`;
}
