import { describe, expect, it } from 'vitest';
import { clipByNorm, initAdam, updateAdam } from '../../../model/train/adam.ts';
import { betaAt, horizonShareAt, learningRateAt } from '../../../model/train/schedule.ts';

describe('Adam', () => {
  it('takes a first step of the learning rate against the sign of the gradient, to 1e-6', () => {
    const { parameters } = updateAdam(initAdam(2), Float32Array.of(1, 1), Float32Array.of(1e-3, -50), 0.1);
    expect(parameters[0]).toBeCloseTo(0.9, 5);
    expect(parameters[1]).toBeCloseTo(1.1, 5);
  });

  it('finds the minimum of a badly scaled quadratic to 1e-3 in 800 steps', () => {
    let adam = initAdam(2);
    let x: Float32Array = Float32Array.of(3, -2);
    for (let i = 0; i < 800; i++) {
      const gradient = Float32Array.of(2 * (x[0] - 1), 2000 * (x[1] - 0.5));
      ({ state: adam, parameters: x } = updateAdam(adam, x, gradient, learningRateAt(i, 0.1, 800)));
    }
    expect(Math.abs(x[0] - 1)).toBeLessThan(1e-3);
    expect(Math.abs(x[1] - 0.5)).toBeLessThan(1e-3);
    expect(adam.step).toBe(800);
  });

  it('changes nothing that came in', () => {
    const state = initAdam(1);
    const parameters = Float32Array.of(1);
    updateAdam(state, parameters, Float32Array.of(1), 0.1);
    expect([state.step, state.mean[0], parameters[0]]).toEqual([0, 0, 1]);
  });

  it('clips a long gradient to the norm and leaves a short one', () => {
    expect([...clipByNorm(Float32Array.of(3, 4), 1)].map((v) => Math.round(v * 100) / 100)).toEqual([0.6, 0.8]);
    const short = Float32Array.of(0.3, 0.4);
    expect(clipByNorm(short, 1)).toBe(short);
  });
});

describe('schedules', () => {
  it('warm up over 100 steps, then fall to 1 % and stay there', () => {
    expect(learningRateAt(0, 1, 1000)).toBeCloseTo(0.01, 6);
    expect(learningRateAt(99, 1, 1e6)).toBeCloseTo(1, 4);
    expect(learningRateAt(500, 1, 1000)).toBeCloseTo(0.505, 6);
    expect(learningRateAt(1000, 1, 1000)).toBeCloseTo(0.01, 12);
    expect(learningRateAt(99_999, 1, 1000)).toBeCloseTo(0.01, 12);
  });

  it('phase in the KL term and, where wanted, the horizon', () => {
    expect(betaAt(99, 2)).toBe(1);
    expect(betaAt(5000, 2)).toBe(2);
    expect(horizonShareAt(0, 1000, true)).toBeCloseTo(0.2, 12);
    expect(horizonShareAt(200, 1000, true)).toBeCloseTo(0.6, 12);
    expect(horizonShareAt(400, 1000, true)).toBe(1);
    expect(horizonShareAt(0, 1000, false)).toBe(1);
  });
});
