/** Turns drags, pinches, wheels and keys upon a chart into wishes for another range of time. */
import { pan, span, type TimeRange, zoom } from './time-range.ts';

export interface GestureOptions {
  /** Where pointers act; its width is the range. */
  readonly surface: HTMLElement;
  /** What takes the keyboard's focus. */
  readonly focus: HTMLElement;
  readonly range: () => TimeRange;
  readonly onRange: (range: TimeRange) => void;
  /** Wish to see everything that matters again. */
  readonly onFit: () => void;
}

const WHEEL_ZOOM = 0.0016;
const KEY_PAN = 0.1;
const KEY_ZOOM = 0.7;

export function listenToGestures(options: GestureOptions): void {
  listenToPointers(options);
  listenToWheel(options);
  listenToKeys(options);
  options.surface.addEventListener('dblclick', options.onFit);
}

/** Time under a horizontal position of the page. */
function timeAt({ surface, range }: GestureOptions, clientX: number): number {
  const box = surface.getBoundingClientRect();
  const now = range();
  return now.from + ((clientX - box.left) / box.width) * span(now);
}

/** One pointer drags, two pinch: the times under the pointers stay under them. */
function listenToPointers(options: GestureOptions): void {
  const { surface } = options;
  const held = new Map<number, number>();
  surface.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    held.set(event.pointerId, event.clientX);
    surface.setPointerCapture(event.pointerId);
    surface.classList.add('dragging');
  });
  surface.addEventListener('pointermove', (event) => {
    if (!held.has(event.pointerId)) return;
    const before = [...held.values()];
    held.set(event.pointerId, event.clientX);
    const next = moved(options, before, [...held.values()]);
    if (next) options.onRange(next);
  });
  const release = (event: PointerEvent) => {
    held.delete(event.pointerId);
    if (held.size === 0) surface.classList.remove('dragging');
  };
  surface.addEventListener('pointerup', release);
  surface.addEventListener('pointercancel', release);
}

function moved(options: GestureOptions, before: number[], after: number[]): TimeRange | undefined {
  const range = options.range();
  const width = options.surface.getBoundingClientRect().width;
  if (before.length === 1) return pan(range, (-(after[0] - before[0]) / width) * span(range));
  const [gapBefore, gapAfter] = [before[1] - before[0], after[1] - after[0]].map(Math.abs);
  if (before.length !== 2 || gapAfter < 10) return undefined;
  const middle = (after[0] + after[1]) / 2;
  const zoomed = zoom(range, gapBefore / gapAfter, timeAt(options, middle));
  return pan(zoomed, (-(middle - (before[0] + before[1]) / 2) / width) * span(zoomed));
}

/** A wheel zooms at the pointer; a sideways one pans. */
function listenToWheel(options: GestureOptions): void {
  options.surface.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      const range = options.range();
      const scale = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
      const width = options.surface.getBoundingClientRect().width;
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        options.onRange(pan(range, ((event.deltaX * scale) / width) * span(range)));
      } else {
        options.onRange(zoom(range, Math.exp(event.deltaY * scale * WHEEL_ZOOM), timeAt(options, event.clientX)));
      }
    },
    { passive: false },
  );
}

function listenToKeys({ focus, range, onRange, onFit }: GestureOptions): void {
  const middle = () => (range().from + range().to) / 2;
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => onRange(pan(range(), -KEY_PAN * span(range()))),
    ArrowRight: () => onRange(pan(range(), KEY_PAN * span(range()))),
    '+': () => onRange(zoom(range(), KEY_ZOOM, middle())),
    '=': () => onRange(zoom(range(), KEY_ZOOM, middle())),
    '-': () => onRange(zoom(range(), 1 / KEY_ZOOM, middle())),
    '0': onFit,
  };
  focus.addEventListener('keydown', (event) => {
    const act = event.ctrlKey || event.metaKey || event.altKey ? undefined : keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
