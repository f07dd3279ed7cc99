/** The line at the top right: events a second, how much is known, and whether the server is heard. */
import type { StreamInfo } from './answers.ts';
import { h, setAttributes, setText } from './dom.ts';
import { formatCount } from './format.ts';
import type { Connection } from './live.ts';

export interface StatusLine {
  readonly element: HTMLElement;
  /** @param rate observations a second, once that is known */
  update(connection: Connection, stream: StreamInfo | undefined, rate: number | undefined): void;
}

const CONNECTIONS: Readonly<Record<Connection, string>> = {
  connecting: 'connecting',
  live: 'connected',
  polling: 'connected, polling',
  offline: 'no connection',
};

export function createStatusLine(): StatusLine {
  const facts = h('span', { 'data-role': 'facts' });
  const connected = h(
    'span',
    { class: 'connection', 'data-role': 'connection', 'data-state': 'connecting' },
    'connecting',
  );
  return {
    element: h('div', { class: 'status' }, facts, connected),
    update(connection, stream, rate) {
      setText(connected, CONNECTIONS[connection]);
      setAttributes(connected, { 'data-state': connection });
      setText(facts, stream ? factsOf(stream, rate) : '');
      setAttributes(facts, { 'data-rate': rate });
    },
  };
}

function factsOf({ observations, series }: StreamInfo, rate: number | undefined): string {
  const known = [`${formatCount(observations)} observations`, `${formatCount(series)} series`];
  return [...(rate === undefined ? [] : [rateText(rate)]), ...known].join('  ·  ');
}

function rateText(rate: number): string {
  if (rate === 0) return '0 events/s';
  return `${rate < 10 ? rate.toFixed(1) : formatCount(Math.round(rate))} events/s`;
}
