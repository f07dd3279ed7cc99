/** The bench's pictures: work–precision, and memory against steps. Both on logarithmic axes. */
import type { TopLevelSpec } from 'vega-lite';
import { PICTURE_STYLE } from '../../cli/picture.ts';
import type { MemoryPoint } from './gradient-memory.ts';
import type { WorkPrecision } from './work-precision.ts';

export function workPrecisionPlot(ours: readonly WorkPrecision[], peers: readonly WorkPrecision[]): TopLevelSpec {
  const values = [
    ...ours.map((point) => ({ ...point, whose: 'odecast' })),
    ...peers.map((point) => ({ ...point, whose: 'others' })),
  ];
  return {
    title: 'DETEST, 25 problems: work against precision (lower right is better)',
    width: 640,
    height: 420,
    data: { values },
    mark: { type: 'line', point: { size: 24 }, strokeWidth: 1.5 },
    encoding: {
      x: logarithmic('error', 'geometric mean of the end error', { reverse: true, format: '.0e' }),
      y: logarithmic('evaluations', 'evaluations of the field, all problems', { format: '~s' }),
      color: { field: 'solver', type: 'nominal', title: null, sort: null, scale: { scheme: 'category20' } },
      strokeDash: { field: 'whose', type: 'nominal', title: null, sort: ['odecast', 'others'] },
      order: { field: 'tolerance', sort: 'descending' },
    },
    config: PICTURE_STYLE,
  };
}

export function memoryPlot(points: readonly MemoryPoint[]): TopLevelSpec {
  return {
    title: 'Peak memory of a gradient against the steps of its solve',
    width: 560,
    height: 340,
    data: { values: [...points] },
    mark: { type: 'line', point: { size: 24 }, strokeWidth: 1.5 },
    encoding: {
      x: logarithmic('steps', 'steps', { format: '~s' }),
      y: logarithmic('states', 'most states alive at once', { format: '~s' }),
      color: { field: 'mode', type: 'nominal', title: null, sort: null },
    },
    config: PICTURE_STYLE,
  };
}

function logarithmic(field: string, title: string, { reverse = false, format }: { reverse?: boolean; format: string }) {
  return {
    field,
    title,
    type: 'quantitative' as const,
    scale: { type: 'log' as const, reverse, nice: false },
    axis: { format, tickCount: 8 },
  };
}
