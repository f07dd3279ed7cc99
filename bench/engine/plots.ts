/** The bench's pictures: times beside the peers', and cost against size. Logarithmic axes. */
import type { TopLevelSpec } from 'vega-lite';
import { PICTURE_STYLE } from '../../cli/picture.ts';
import { bestOf, oursIn, type RowResult } from './contest.ts';
import { inUnit } from './report.ts';
import { FAMILIES } from './rows.ts';
import type { CostPoint } from './scaling.ts';

/** Of each row: how many times as long as ours each peer takes. */
export function contestPlot(results: readonly RowResult[]): TopLevelSpec {
  const values = results.flatMap((result) => {
    const ours = oursIn(result);
    if (ours === undefined) return [];
    const entries = FAMILIES.map((peer) => ({ peer: peer as string, entry: bestOf(result, peer) }));
    entries.push({ peer: 'fused wasm', entry: oursIn(result, 'wasm-relaxed') ?? oursIn(result, 'wasm-plain') });
    return entries.flatMap(({ peer, entry }) =>
      entry === undefined
        ? []
        : [{ row: result.row.title, peer, times: inUnit(entry, result.row) / inUnit(ours, result.row) }],
    );
  });
  return {
    title: 'Times as long as the fused engine, native, takes (one thread)',
    width: 480,
    height: { step: 18 },
    data: { values },
    layer: [
      { mark: { type: 'rule', color: '#333' }, encoding: { x: { datum: 1 } } },
      {
        mark: { type: 'point', filled: true, size: 60 },
        encoding: {
          y: { field: 'row', type: 'nominal', title: null, sort: null, axis: { labelLimit: 420, grid: true } },
          x: { field: 'times', type: 'quantitative', title: 'times as long', scale: { type: 'log' } },
          color: { field: 'peer', type: 'nominal', title: null, sort: null },
          shape: { field: 'peer', type: 'nominal', title: null, sort: null },
        },
      },
    ],
    config: PICTURE_STYLE,
  };
}

export function costPlot(points: readonly CostPoint[]): TopLevelSpec {
  return {
    title: 'A training step against what it has to do',
    width: 480,
    height: 320,
    data: { values: [...points] },
    mark: { type: 'line', point: { size: 30 }, strokeWidth: 1.5 },
    encoding: {
      x: {
        field: 'size',
        type: 'quantitative',
        title: 'observations, times or posterior samples',
        scale: { type: 'log' },
      },
      y: { field: 'ms', type: 'quantitative', title: 'ms a step', scale: { type: 'log' } },
      color: { field: 'direction', type: 'nominal', title: null, sort: null },
    },
    config: PICTURE_STYLE,
  };
}
