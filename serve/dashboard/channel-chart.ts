/**
 * One channel over time: observations, the forecast's mean and bands on both sides of now, the truth where it is known.
 * uPlot keeps scales, axes and the cursor; what is inside is painted here, as bands that change colour where past and
 * future meet are not in its vocabulary.
 */
import uPlot from 'uplot';
import { BAND_OPACITY } from './answers.ts';
import { h, setAttributes, setText } from './dom.ts';
import { formatInstant, formatOffset, formatTicks, formatValue } from './format.ts';
import { listenToGestures } from './gestures.ts';
import type { Palette } from './palette.ts';
import {
  type Band,
  bandsOf,
  type Picture,
  pointsOf,
  readingAt,
  type Stretch,
  stretchesOf,
  truthOf,
  valueRange,
} from './picture.ts';
import { span, type TimeRange } from './time-range.ts';

export interface ChannelChartOptions {
  readonly channel: string;
  readonly palette: () => Palette;
  /** Charts with the same key share their cursor. */
  readonly cursorKey: string;
  /** Only the lowest chart of a stack says the times. */
  readonly showTimes: boolean;
  readonly onRange: (range: TimeRange) => void;
  readonly onFit: () => void;
}

export interface ChannelChart {
  readonly element: HTMLElement;
  update(picture: Picture): void;
  /** Fills its element again after that has changed its size, or after the palette has changed. */
  resize(): void;
  close(): void;
}

const KEYS = 'The arrow keys pan, plus and minus zoom, 0 shows all that matters.';
const AXIS_WIDTH = 52;
const TIMES_HEIGHT = 40;
const FONT = '11px -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif';

export function createChannelChart(options: ChannelChartOptions): ChannelChart {
  const reading = h('output', { class: 'reading' });
  const plot = h('div', { class: 'plot' });
  const name = h('span', { class: 'channel-name' }, options.channel);
  const element = h(
    'figure',
    { class: 'channel', tabindex: 0, role: 'group', 'aria-description': KEYS, 'data-channel': options.channel },
    h('figcaption', {}, name, reading),
    plot,
  );
  let picture: Picture | undefined;
  const say = () => picture && setText(reading, readingText(picture, options.channel, hoveredTime(chart)));
  const chart = new uPlot(
    plotOptions(options, () => picture, say),
    [
      [0, 1],
      [null, null],
    ],
    plot,
  );

  const fill = () => chart.setSize({ width: plot.clientWidth || 300, height: plot.clientHeight || 160 });
  const observer = new ResizeObserver(fill);
  observer.observe(plot);
  listenToGestures({
    surface: chart.over,
    focus: element,
    range: () => picture?.range ?? { from: 0, to: 1 },
    onRange: options.onRange,
    onFit: options.onFit,
  });

  return {
    element,
    update(next) {
      picture = next;
      draw(chart, next, options.channel);
      say();
      describe(element, next, options.channel);
    },
    resize: fill,
    close() {
      observer.disconnect();
      chart.destroy();
    },
  };
}

function draw(chart: uPlot, picture: Picture, channel: string): void {
  const { from, to } = picture.range;
  const forecast = picture.forecast;
  const mean = forecast?.channels[channel]?.mean;
  chart.batch(() => {
    if (forecast && mean) chart.setData([[...forecast.times], [...mean]], false);
    else
      chart.setData(
        [
          [from, to],
          [null, null],
        ],
        false,
      );
    chart.setScale('x', { min: from, max: to });
  });
}

function plotOptions(options: ChannelChartOptions, picture: () => Picture | undefined, say: () => void): uPlot.Options {
  const colour = (name: keyof Palette) => () => options.palette()[name];
  const axis = { font: FONT, stroke: colour('muted'), ticks: { show: false } };
  return {
    width: 300,
    height: 160,
    ms: 1,
    tzDate: (time) => uPlot.tzDate(new Date(time), 'Etc/UTC'),
    padding: [6, 12, options.showTimes ? 0 : 6, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false, setScale: false },
      sync: { key: options.cursorKey },
      points: { show: false },
    },
    scales: {
      x: { time: true, range: (_, min, max) => [min, max] },
      y: { range: () => valueRangeOf(picture(), options.channel) },
    },
    axes: [
      {
        ...axis,
        size: options.showTimes ? TIMES_HEIGHT : 0,
        space: 76,
        grid: { stroke: colour('line'), width: 1 },
        values: (_, splits, __, ___, step) => (options.showTimes ? formatTicks(splits, step) : splits.map(() => '')),
      },
      {
        ...axis,
        size: AXIS_WIDTH,
        space: 28,
        gap: 8,
        grid: { stroke: colour('line'), width: 1 },
        values: (_, splits) => splits.map(axisValue),
      },
    ],
    series: [{}, { stroke: colour('future'), paths: () => null, points: { show: false } }],
    hooks: {
      draw: [(chart) => paint(chart, picture(), options)],
      setCursor: [say],
    },
  };
}

function axisValue(value: number): string {
  const text = Math.abs(value) >= 1e6 ? value.toExponential(1) : String(Number(value.toPrecision(6)));
  return text.replace('-', '−');
}

function valueRangeOf(picture: Picture | undefined, channel: string): [number, number] {
  return picture ? valueRange(picture, channel) : [0, 1];
}

// Painting. All positions are in the canvas' own pixels.

interface Pen {
  readonly context: CanvasRenderingContext2D;
  readonly x: (time: number) => number;
  readonly y: (value: number) => number;
  /** Canvas pixels in a CSS pixel. */
  readonly ratio: number;
  readonly box: uPlot.BBox;
  readonly palette: Palette;
}

function paint(chart: uPlot, picture: Picture | undefined, options: ChannelChartOptions): void {
  if (!picture) return;
  const pen: Pen = {
    context: chart.ctx,
    x: (time) => chart.valToPos(time, 'x', true),
    y: (value) => chart.valToPos(value, 'y', true),
    ratio: devicePixelRatio,
    box: chart.bbox,
    palette: options.palette(),
  };
  within(pen, pen.box.left, pen.box.width, () => {
    paintForecast(pen, picture, options.channel);
    paintTruth(pen, picture, options.channel);
    paintPoints(pen, picture, options.channel);
    paintMoments(pen, picture);
  });
}

function within({ context, box }: Pen, left: number, width: number, body: () => void): void {
  context.save();
  context.beginPath();
  context.rect(left, box.top, width, box.height);
  context.clip();
  body();
  context.restore();
}

/** Every stretch is the whole forecast seen through its own window, so that colours meet without a gap. */
function paintForecast(pen: Pen, { forecast }: Picture, channel: string): void {
  const mean = forecast?.channels[channel]?.mean;
  if (!forecast || !mean) return;
  const bands = bandsOf(forecast, channel);
  for (const stretch of stretchesOf(forecast)) {
    const [left, right] = [pen.x(stretch.from), pen.x(stretch.to)];
    within(pen, left, right - left, () => {
      for (const band of bands) paintBand(pen, forecast.times, band, stretch);
      paintLine(pen, forecast.times, mean, strokeOf(pen, stretch), 2);
    });
  }
}

function strokeOf({ palette }: Pen, { kind }: Stretch): string {
  return kind === 'interpolation' ? palette.past : palette.future;
}

function paintBand(pen: Pen, times: readonly number[], { level, low, high }: Band, stretch: Stretch): void {
  const { context } = pen;
  context.beginPath();
  for (const [i, time] of times.entries()) context.lineTo(pen.x(time), pen.y(high[i]));
  for (let i = times.length - 1; i >= 0; i--) context.lineTo(pen.x(times[i]), pen.y(low[i]));
  context.closePath();
  context.globalAlpha = BAND_OPACITY[level];
  context.fillStyle = strokeOf(pen, stretch);
  context.fill();
  context.globalAlpha = 1;
}

function paintLine(pen: Pen, times: readonly number[], values: readonly number[], stroke: string, width: number): void {
  const { context, ratio } = pen;
  context.beginPath();
  for (const [i, time] of times.entries()) context.lineTo(pen.x(time), pen.y(values[i]));
  context.strokeStyle = stroke;
  context.lineWidth = width * ratio;
  context.lineJoin = 'round';
  context.stroke();
}

function paintTruth(pen: Pen, picture: Picture, channel: string): void {
  const points = truthOf(picture, channel);
  if (points.length === 0) return;
  const { context, ratio, palette } = pen;
  context.setLineDash([5 * ratio, 4 * ratio]);
  const [times, values] = [points.map(({ time }) => time), points.map(({ value }) => value)];
  paintLine(pen, times, values, palette.truth, 1.75);
  context.setLineDash([]);
}

/** Observations, smaller where they are many, each with a rim that sets it off from the band. */
function paintPoints(pen: Pen, picture: Picture, channel: string): void {
  const points = pointsOf(picture.observations, channel, picture.range);
  const { context, ratio, palette } = pen;
  const radius = (points.length < 150 ? 3 : points.length < 500 ? 2.2 : 1.5) * ratio;
  context.fillStyle = palette.points;
  context.strokeStyle = palette.surface;
  context.lineWidth = ratio;
  for (const { time, value } of points) {
    context.beginPath();
    context.arc(pen.x(time), pen.y(value), radius, 0, 2 * Math.PI);
    context.fill();
    if (points.length < 500) context.stroke();
  }
}

function paintMoments(pen: Pen, { lastEvent, anchor, asked }: Picture): void {
  if (lastEvent !== undefined && anchor.name === 'now') paintMoment(pen, lastEvent, pen.palette.muted, [2, 4]);
  if (asked !== undefined) {
    paintMoment(pen, asked, pen.palette.future, [6, 4]);
    paintLabel(pen, asked, 'asked', pen.palette.future);
  }
  paintMoment(pen, anchor.time, pen.palette.now, []);
  paintLabel(pen, anchor.time, anchor.name, pen.palette.now);
}

function paintMoment({ context, x, ratio, box }: Pen, time: number, stroke: string, dash: number[]): void {
  const at = Math.round(x(time)) + 0.5;
  context.beginPath();
  context.setLineDash(dash.map((d) => d * ratio));
  context.moveTo(at, box.top);
  context.lineTo(at, box.top + box.height);
  context.strokeStyle = stroke;
  context.lineWidth = ratio;
  context.stroke();
  context.setLineDash([]);
}

function paintLabel({ context, x, ratio, box }: Pen, time: number, label: string, colour: string): void {
  context.font = FONT.replace('11px', `600 ${10.5 * ratio}px`);
  context.fillStyle = colour;
  context.textBaseline = 'top';
  context.textAlign = 'left';
  context.fillText(label, x(time) + 5 * ratio, box.top + 3 * ratio);
}

// Words: what the drawing says, for people who hover, for those who cannot see it, and for tests.

function hoveredTime(chart: uPlot): number | undefined {
  const { left } = chart.cursor;
  return left === undefined || left < 0 ? undefined : chart.posToVal(left, 'x');
}

function readingText(picture: Picture, channel: string, hovered: number | undefined): string {
  const reading = picture.forecast && readingAt(picture.forecast, channel, hovered ?? picture.anchor.time);
  if (!reading) return '';
  const { anchor, range } = picture;
  const offset = formatOffset(reading.time - anchor.time, anchor.name);
  const when = hovered === undefined ? offset : `${formatInstant(reading.time, span(range))} · ${offset}`;
  const interval = `${formatValue(reading.low80)} … ${formatValue(reading.high80)}`;
  return `${when}   ${formatValue(reading.mean)}   80 %: ${interval}`;
}

function describe(element: HTMLElement, picture: Picture, channel: string): void {
  const { forecast, range, anchor } = picture;
  const points = pointsOf(picture.observations, channel, range).length;
  const truth = truthOf(picture, channel).length;
  const now = forecast && readingAt(forecast, channel, anchor.time);
  const kinds = forecast?.channels[channel] ? forecast.kind : [];
  setAttributes(element, {
    'aria-label': description(picture, channel, points),
    'data-points': points,
    'data-truth-points': truth,
    'data-from': range.from,
    'data-to': range.to,
    'data-interpolated': kinds.filter((kind) => kind === 'interpolation').length,
    'data-extrapolated': kinds.filter((kind) => kind === 'extrapolation').length,
    'data-forecast-from': forecast?.times[0],
    'data-forecast-to': forecast?.times.at(-1),
    'data-anchor': anchor.name,
    'data-anchor-time': anchor.time,
    'data-last-event': picture.lastEvent,
    'data-mean': now?.mean,
    'data-low80': now?.low80,
    'data-high80': now?.high80,
  });
}

function description(picture: Picture, channel: string, points: number): string {
  const { range, anchor } = picture;
  const [from, to] = [range.from, range.to].map((t) => formatInstant(t, span(range)));
  const seen = `${channel}: ${points} observations from ${from} to ${to} UTC.`;
  const reading = readingText(picture, channel, undefined);
  return reading === '' ? `${seen} No forecast.` : `${seen} Forecast at ${anchor.name}: ${reading}`;
}
