import { describe, expect, it } from 'vitest';
import type { Engine } from '../../../model/engine/engine.ts';
import { createRandom } from '../../../model/latent/random.ts';
import type { DecoderSpec } from '../../../model/latent/spec.ts';
import { evaluate } from '../../../model/train/evaluate.ts';
import type { Place } from '../../../model/train/hold-out.ts';
import { refreshPool } from '../../../model/train/pool.ts';
import { extrapolationWindow, interpolationWindow } from '../../../model/train/windows.ts';
import { failing } from '../engines.ts';
import { memorySource, type Row } from '../memory-source.ts';
import { HOUR, toySpec } from '../toy-artifact.ts';

/** Values N(0, 1), so that the right forecast is known at every time. */
const random = createRandom(2);
const rows = Array.from({ length: 8000 }, (_, i): Row => ({ series: 's', time: i * HOUR, values: [random.normal()] }));
const [columns] = refreshPool(memorySource(1, rows)).series;
const shape = {
  contextMs: 30 * HOUR,
  horizonMs: 20 * HOUR,
  maxObservations: 30,
  maxTargets: 16,
  notBefore: 0,
  before: Number.POSITIVE_INFINITY,
};
const places = Array.from({ length: 256 }, (_, i): Place => ({ columns, row: 40 + 30 * i }));
const windows = {
  extrapolation: places.flatMap((p) => extrapolationWindow(p, shape) ?? []),
  interpolation: places.flatMap((p, i) => interpolationWindow(createRandom(i), p, shape) ?? []),
};

/** Says the law of its decoder at (0, scale) of every time, whatever it is shown: a seam's smallest engine. */
function constantEngine(scale: number, decoder: DecoderSpec = { units: 4, likelihood: 'gaussian' }): Engine {
  const spec = { ...toySpec(['a']), decoder };
  return {
    spec,
    lossAndGradient: () => Promise.reject(new Error('not asked here')),
    encode: async (_, { offsets }) => {
      const size = (offsets.length - 1) * spec.latentSize;
      return { mean: new Float32Array(size), logVariance: new Float32Array(size) };
    },
    decode: async (_, { times, origins }) => ({
      mean: new Float32Array(times.length),
      scale: new Float32Array(times.length).fill(scale),
      latent: new Float32Array(times.length * spec.latentSize),
      status: Array.from(origins, () => 'success' as const),
      statistics: { functionEvaluations: 1, steps: 1 },
    }),
    close: () => {},
  };
}

function score(engine: Engine) {
  const predictor = {
    engine,
    parameters: new Float32Array(0),
    normalisation: { channels: [{ location: 0, scale: 1 }] },
  };
  const units = { scale: [1], naiveError: [2 / Math.sqrt(Math.PI)] };
  return evaluate({ predictor, windows, baselines: [], units, horizonMs: shape.horizonMs, seed: 1 });
}

describe('an evaluation', () => {
  it('of the right forecast has the scores of theory: CRPS 1/√π, RMSE 1, MASE 1/√2, coverage as said to 6 %, the rest to 5 %', async () => {
    const { record, failures } = await score(constantEngine(1));
    for (const scores of [record.extrapolation, record.interpolation]) {
      expect(Math.abs(scores.crps * Math.sqrt(Math.PI) - 1)).toBeLessThan(0.05);
      expect(Math.abs(scores.rmse - 1)).toBeLessThan(0.05);
      expect(Math.abs(scores.mase * Math.SQRT2 - 1)).toBeLessThan(0.05);
      for (const level of [0.5, 0.8, 0.95]) expect(Math.abs(scores.coverage[level] - level)).toBeLessThan(0.06);
      expect(Math.abs(scores.width['0.95'] / 3.92 - 1)).toBeLessThan(0.1);
    }
    expect(record.extrapolation.count).toBe(256 * 16);
    expect(failures).toBe(0);
  });

  it.each([0.5, 2])(
    'of a forecast %f times as wide says so before calibration, and covers after it, to 6 % of all',
    async (scale) => {
      const { record, calibration } = await score(constantEngine(scale));
      const { coverage, uncalibratedCoverage = {} } = record.extrapolation;
      expect(Math.sign(uncalibratedCoverage['0.8'] - 0.8)).toBe(scale > 1 ? 1 : -1);
      expect(Math.abs(uncalibratedCoverage['0.8'] - 0.8)).toBeGreaterThan(0.1);
      expect(Math.abs(coverage['0.8'] - 0.8)).toBeLessThan(0.06);
      expect(calibration.factors[2][0][1] * scale).toBeGreaterThan(0.75);
      expect(calibration.factors[2][0][1] * scale).toBeLessThan(1.35);
    },
  );

  it('of a Student-t has its intervals: of three degrees of freedom 3.182 scales to either side cover 95 %, to 1e-6', async () => {
    const student = { units: 4, likelihood: 'student-t', degreesOfFreedom: 3 } as const;
    const { record } = await score(constantEngine(0.5, student));
    const { coverage, uncalibratedCoverage = {} } = record.extrapolation;
    const reach = 0.5 * 3.182446305284263;
    const inside = windows.extrapolation
      .slice(windows.extrapolation.length / 2)
      .flatMap(({ targets }) => Array.from(targets.values, (v) => Number(Math.abs(v) <= reach)));
    const share = inside.reduce((sum, one) => sum + one, 0) / inside.length;
    expect(Math.abs(uncalibratedCoverage['0.95'] - share)).toBeLessThan(1e-6);
    expect(Math.abs(coverage['0.95'] - 0.95)).toBeLessThan(0.06);
    expect(record.extrapolation.crps).toBeLessThan(1.1 / Math.sqrt(Math.PI));
  });

  it('counts windows without finite answers and leaves them out of every score', async () => {
    const { record, failures } = await score(failing(constantEngine(1), 'non-finite'));
    expect(failures).toBe(windows.extrapolation.length + windows.interpolation.length);
    expect(record.extrapolation).toMatchObject({ count: 0, crps: 0, rmse: 0 });
  });
});
