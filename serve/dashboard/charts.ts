/** The drawings of one stream: a chart for each channel, and the plane where two channels span one. */
import { createChannelChart } from './channel-chart.ts';
import { h } from './dom.ts';
import type { Palette } from './palette.ts';
import type { Picture } from './picture.ts';
import { createPlaneChart, planeOf } from './plane-chart.ts';
import type { TimeRange } from './time-range.ts';

export interface ChartsOptions {
  readonly channels: readonly string[];
  readonly palette: () => Palette;
  readonly onRange: (range: TimeRange) => void;
  readonly onFit: () => void;
}

export interface Charts {
  readonly channels: HTMLElement;
  readonly plane: HTMLElement | undefined;
  update(picture: Picture): void;
  resize(): void;
  close(): void;
}

export function createCharts({ channels, ...options }: ChartsOptions): Charts {
  const plane = planeOf(channels);
  const stack = channels.map((channel, i) =>
    createChannelChart({ ...options, channel, cursorKey: 'time', showTimes: i === channels.length - 1 }),
  );
  const drawings = [...stack, ...(plane ? [createPlaneChart(plane, options.palette)] : [])];
  return {
    channels: h('div', { class: 'channels' }, ...stack.map(({ element }) => element)),
    plane: drawings[stack.length]?.element,
    update: (picture) => {
      for (const drawing of drawings) drawing.update(picture);
    },
    resize: () => {
      for (const drawing of drawings) drawing.resize();
    },
    close: () => {
      for (const drawing of drawings) drawing.close();
    },
  };
}
