/** A small curve in a panel: one path with its ends said in words. */
import { h, svg } from './dom.ts';

export interface SparklineOptions {
  readonly label: string;
  readonly points: readonly (readonly [number, number])[];
  readonly className: string;
  readonly formatX: (x: number) => string;
  readonly formatY: (y: number) => string;
}

const WIDTH = 280;
const HEIGHT = 84;

export function sparkline({ label, points, className, formatX, formatY }: SparklineOptions): HTMLElement {
  const finite = points.filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  if (finite.length < 2) return h('p', { class: 'quiet' }, 'Too few points for a curve yet.');
  const [xs, ys] = [finite.map(([x]) => x), finite.map(([, y]) => y)];
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), quantile(ys, 0.98), Math.min(...ys)];
  const x = (v: number) => ((v - left) / (right - left || 1)) * WIDTH;
  const y = (v: number) => 3 + (1 - (Math.min(v, top) - bottom) / (top - bottom || 1)) * (HEIGHT - 6);
  const d = finite.map(([a, b], i) => `${i ? 'L' : 'M'}${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join('');
  const box = { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', role: 'img', 'aria-label': label };
  const path = svg('path', { d, class: className, fill: 'none', 'vector-effect': 'non-scaling-stroke' });
  return h(
    'div',
    { class: 'sparkline', 'data-points': finite.length },
    svg('svg', box, path),
    h('span', { class: 'corner top' }, formatY(top)),
    h('span', { class: 'corner bottom' }, formatY(bottom)),
    h('span', { class: 'foot' }, formatX(left)),
    h('span', { class: 'foot end' }, formatX(right)),
  );
}

/** Cuts the spike that most losses start with, which would flatten everything after it. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))];
}
