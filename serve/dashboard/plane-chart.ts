/**
 * Two channels against each other: the path so far, where the forecast says that it goes on and how sure it is, and the
 * truth where it is known. Both axes have the same scale.
 */

import { BAND_OPACITY } from './answers.ts';
import { h, setAttributes } from './dom.ts';
import type { Palette } from './palette.ts';
import { bandsOf, nearest, type Picture, pointsOf, truthOf } from './picture.ts';

export interface PlaneChart {
  readonly element: HTMLElement;
  update(picture: Picture): void;
  resize(): void;
  close(): void;
}

/** The pairs of names that are coordinates of a plane. */
const PLANES: readonly (readonly [string, string])[] = [
  ['x', 'y'],
  ['lon', 'lat'],
  ['longitude', 'latitude'],
  ['east', 'north'],
];

/** The two channels to draw against each other, if the stream has just two that span a plane. */
export function planeOf(channels: readonly string[]): readonly [string, string] | undefined {
  const find = (name: string) => channels.find((channel) => channel.toLowerCase() === name);
  const pairs = PLANES.map(([x, y]) => [find(x), find(y)] as const);
  const pair = pairs.find(([x, y]) => x !== undefined && y !== undefined);
  return channels.length === 2 && pair?.[0] && pair[1] ? [pair[0], pair[1]] : undefined;
}

interface Place {
  readonly time: number;
  readonly x: number;
  readonly y: number;
}

interface Blob extends Place {
  readonly level: number;
  readonly width: number;
  readonly height: number;
}

/** What is drawn, in the channels' units. */
interface Scene {
  readonly seen: readonly Place[];
  readonly past: readonly Place[];
  readonly future: readonly Place[];
  readonly blobs: readonly Blob[];
  readonly truth: readonly Place[];
  readonly here: Place | undefined;
}

const FONT = '-apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif';
const MARGIN = 30;

export function createPlaneChart(channels: readonly [string, string], palette: () => Palette): PlaneChart {
  const canvas = h('canvas', {});
  const frame = h('div', { class: 'plane-frame' }, canvas);
  const name = h('span', { class: 'channel-name' }, `${channels[0]} – ${channels[1]}`);
  const hint = h('span', { class: 'reading' }, 'path, and where it goes on');
  const element = h('figure', { class: 'plane', role: 'img' }, h('figcaption', {}, name, hint), frame);
  let picture: Picture | undefined;
  const draw = () => {
    if (!picture) return;
    const scene = sceneOf(picture, channels);
    paintScene(canvas, frame, scene, palette());
    describe(element, scene, channels);
  };
  const observer = new ResizeObserver(draw);
  observer.observe(frame);
  return {
    element,
    update(next) {
      picture = next;
      draw();
    },
    resize: draw,
    close: () => observer.disconnect(),
  };
}

function sceneOf(picture: Picture, [x, y]: readonly [string, string]): Scene {
  const { forecast, range, anchor } = picture;
  const seen = join(pointsOf(picture.observations, x, range), pointsOf(picture.observations, y, range));
  const truth = join(truthOf(picture, x), truthOf(picture, y));
  const [means, ys] = [forecast?.channels[x]?.mean, forecast?.channels[y]?.mean];
  if (!forecast || !means || !ys) return { seen, truth, past: [], future: [], blobs: [], here: undefined };
  const path = forecast.times.map((time, i) => ({ time, x: means[i], y: ys[i] }));
  const inside = path.filter(({ time }) => time >= range.from && time <= range.to);
  const here = path[nearest(forecast.times, anchor.time)];
  const last = picture.lastEvent ?? Number.NEGATIVE_INFINITY;
  const future = inside.filter(({ time }) => time >= last);
  const blobs = blobsOf(picture, [x, y], path).filter(({ time }) => time >= last && time <= range.to);
  return { seen, truth, past: inside.filter(({ time }) => time <= last), future, blobs, here };
}

/** Pairs observations of the same time. */
function join(xs: readonly { time: number; value: number }[], ys: readonly { time: number; value: number }[]): Place[] {
  const other = new Map(ys.map(({ time, value }) => [time, value]));
  return xs.flatMap(({ time, value }) => {
    const y = other.get(time);
    return y === undefined ? [] : [{ time, x: value, y }];
  });
}

function blobsOf({ forecast }: Picture, [x, y]: readonly [string, string], path: readonly Place[]): Blob[] {
  if (!forecast) return [];
  const ys = bandsOf(forecast, y);
  return bandsOf(forecast, x).flatMap((band, b) =>
    path.map((place, i) => ({
      ...place,
      level: band.level,
      width: (band.high[i] - band.low[i]) / 2,
      height: (ys[b].high[i] - ys[b].low[i]) / 2,
    })),
  );
}

// Painting.

interface Pen {
  readonly context: CanvasRenderingContext2D;
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  /** Pixels in a unit. */
  readonly scale: number;
  readonly width: number;
  readonly height: number;
  readonly palette: Palette;
}

function paintScene(canvas: HTMLCanvasElement, frame: HTMLElement, scene: Scene, palette: Palette): void {
  const [width, height] = [frame.clientWidth, frame.clientHeight];
  const context = canvas.getContext('2d');
  if (!context || width === 0 || height === 0) return;
  canvas.width = Math.round(width * devicePixelRatio);
  canvas.height = Math.round(height * devicePixelRatio);
  context.scale(devicePixelRatio, devicePixelRatio);
  const pen = penFor(context, width, height, scene, palette);
  paintGrid(pen);
  paintBlobs(pen, scene.blobs);
  paintPath(pen, scene.past, palette.past, 2);
  paintPath(pen, scene.future, palette.future, 2);
  context.setLineDash([5, 4]);
  paintPath(pen, scene.truth, palette.truth, 1.5);
  context.setLineDash([]);
  paintSeen(pen, scene.seen);
  if (scene.here) paintHere(pen, scene.here);
}

function penFor(context: CanvasRenderingContext2D, width: number, height: number, scene: Scene, palette: Palette): Pen {
  const paths = [...scene.seen, ...scene.past, ...scene.future, ...scene.truth];
  const likely = scene.blobs.filter(({ level }) => level === 0.5);
  const xs = orUnit([...paths.map(({ x }) => x), ...likely.flatMap(({ x, width: w }) => [x - w, x + w])]);
  const ys = orUnit([...paths.map(({ y }) => y), ...likely.flatMap(({ y, height: v }) => [y - v, y + v])]);
  const [left, right, bottom, top] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const room = { width: width - 2 * MARGIN, height: height - 2 * MARGIN };
  const scale = Math.min(room.width / Math.max(right - left, 1e-9), room.height / Math.max(top - bottom, 1e-9), 1e9);
  const [middleX, middleY] = [(left + right) / 2, (bottom + top) / 2];
  return {
    context,
    scale,
    width,
    height,
    palette,
    x: (value) => width / 2 + (value - middleX) * scale,
    y: (value) => height / 2 - (value - middleY) * scale,
  };
}

function orUnit(values: number[]): number[] {
  return values.length > 0 ? values : [-1, 1];
}

function paintGrid(pen: Pen): void {
  const { context, width, height, palette, x, y, scale } = pen;
  const step = niceStep(42 / scale);
  context.lineWidth = 1;
  context.strokeStyle = palette.line;
  context.fillStyle = palette.muted;
  context.font = `11px ${FONT}`;
  const [left, bottom] = [width / 2 - x(0), y(0) - height / 2].map(
    (offset, i) => (offset - (i ? height : width) / 2) / scale,
  );
  for (let v = Math.ceil(left / step) * step; x(v) <= width; v += step) {
    paintGridLine(context, x(v), 0, x(v), height);
    context.fillText(label(v, step), x(v) + 4, height - 5);
  }
  for (let v = Math.ceil(bottom / step) * step; y(v) >= 0; v += step) {
    paintGridLine(context, 0, y(v), width, y(v));
    if (y(v) < height - 16) context.fillText(label(v, step), 4, y(v) - 4);
  }
}

function paintGridLine(context: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  context.beginPath();
  context.moveTo(Math.round(x0) + 0.5, Math.round(y0) + 0.5);
  context.lineTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
  context.stroke();
}

/** 1, 2 or 5 times a power of ten, at least `size`. */
function niceStep(size: number): number {
  const power = 10 ** Math.floor(Math.log10(size));
  return ([1, 2, 5].find((m) => m * power >= size) ?? 10) * power;
}

function label(value: number, step: number): string {
  return value.toFixed(Math.max(0, -Math.floor(Math.log10(step)))).replace('-', '−');
}

/** All ellipses of a level are filled as one shape, so that those of neighbouring times do not add up. */
function paintBlobs({ context, x, y, scale, palette }: Pen, blobs: readonly Blob[]): void {
  context.fillStyle = palette.future;
  for (const level of new Set(blobs.map((blob) => blob.level))) {
    context.beginPath();
    for (const blob of blobs.filter((b) => b.level === level)) {
      context.moveTo(x(blob.x) + blob.width * scale, y(blob.y));
      context.ellipse(x(blob.x), y(blob.y), blob.width * scale, blob.height * scale, 0, 0, 2 * Math.PI);
    }
    context.globalAlpha = BAND_OPACITY[level];
    context.fill('nonzero');
  }
  context.globalAlpha = 1;
}

function paintPath({ context, x, y }: Pen, path: readonly Place[], stroke: string, width: number): void {
  context.beginPath();
  for (const place of path) context.lineTo(x(place.x), y(place.y));
  context.strokeStyle = stroke;
  context.lineWidth = width;
  context.lineJoin = 'round';
  context.stroke();
}

/** Older observations are smaller. */
function paintSeen({ context, x, y, palette }: Pen, seen: readonly Place[]): void {
  context.fillStyle = palette.points;
  context.strokeStyle = palette.surface;
  context.lineWidth = 1;
  for (const [i, place] of seen.entries()) {
    context.beginPath();
    context.arc(x(place.x), y(place.y), 1.6 + (1.6 * (i + 1)) / seen.length, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}

function paintHere({ context, x, y, palette }: Pen, here: Place): void {
  context.beginPath();
  context.arc(x(here.x), y(here.y), 5.5, 0, 2 * Math.PI);
  context.fillStyle = palette.surface;
  context.strokeStyle = palette.now;
  context.lineWidth = 2;
  context.fill();
  context.stroke();
}

function describe(element: HTMLElement, scene: Scene, [x, y]: readonly [string, string]): void {
  const { seen, future, truth } = scene;
  setAttributes(element, {
    'aria-label': `Plane of ${x} and ${y}: ${seen.length} observations and a forecast path of ${future.length} points.`,
    'data-points': seen.length,
    'data-forecast-points': future.length,
    'data-truth-points': truth.length,
  });
}
