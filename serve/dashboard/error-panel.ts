/** How forecasts compare with the known truth of a simulated stream, while the page is open. */
import { h, setAttributes, setText } from './dom.ts';
import { formatCount, formatDuration, formatPercent, formatValue } from './format.ts';
import { type RunningError, summarise } from './running-error.ts';
import { sparkline } from './sparkline.ts';

export interface ErrorPanel {
  readonly element: HTMLElement;
  update(error: RunningError, horizonMs: number): void;
}

export function createErrorPanel(): ErrorPanel {
  const rmse = h('strong', {}, '–');
  const cover = h('strong', {}, '–');
  const naive = h('strong', {}, '–');
  const curve = h('div', {});
  const note = h('p', { class: 'quiet' });
  const figures = h(
    'div',
    { class: 'figures' },
    h('div', { class: 'figure' }, rmse, h('span', {}, 'RMSE')),
    h('div', { class: 'figure' }, naive, h('span', {}, 'if the last value stayed')),
    h('div', { class: 'figure' }, cover, h('span', {}, 'inside the 80 % band')),
  );
  const element = h(
    'section',
    { class: 'card', 'data-role': 'running-error', hidden: true, 'data-forecasts': 0 },
    h('h2', {}, 'Against the truth'),
    figures,
    curve,
    note,
  );
  return {
    element,
    update(error, horizonMs) {
      const summary = summarise(error);
      element.hidden = summary === undefined;
      if (!summary) return;
      setText(rmse, formatValue(summary.rmse));
      setText(cover, formatPercent(summary.coverage80));
      setText(naive, summary.naiveRmse === undefined ? '–' : formatValue(summary.naiveRmse));
      setText(note, noteOf(error, horizonMs));
      curve.replaceChildren(...(error.recent.length > 2 ? [recentCurve(error.recent)] : []));
      setAttributes(element, {
        'data-forecasts': error.forecasts,
        'data-points': error.points,
        'data-rmse': summary.rmse,
        'data-coverage80': summary.coverage80,
      });
    },
  };
}

function noteOf({ forecasts, points, recent }: RunningError, horizonMs: number): string {
  const scored = `${formatCount(forecasts)} ${forecasts === 1 ? 'forecast' : 'forecasts'}`;
  const over = `${scored} over the next ${formatDuration(horizonMs)}, ${formatCount(points)} values`;
  return `${over}, since this page opened. The latest has an RMSE of ${formatValue(recent[recent.length - 1])}.`;
}

function recentCurve(recent: readonly number[]): HTMLElement {
  return sparkline({
    label: 'RMSE of the latest forecasts',
    points: recent.map((value, i) => [i, value] as const),
    className: 'curve-error',
    formatX: (i) => (i === 0 ? `${recent.length} forecasts ago` : 'latest'),
    formatY: formatValue,
  });
}
