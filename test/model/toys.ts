/** Small problems with known answers, and training options that suit them. Times are hours from 2026 on, in ms. */
import { createRandom } from '../../model/latent/random.ts';
import type { TrainerOptions } from '../../model/train/options.ts';
import type { Row } from './memory-source.ts';
import { HOUR } from './toy-artifact.ts';

export const START = Date.UTC(2026, 0, 1);
const PERIOD_H = 24;
const NOISE = 0.1;

/** Noisy sines of one period and random phase, two channels a quarter apart, seen at Poisson times, some values missing. */
export function sineRows(seed: number, series: number, perSeries: number): Row[] {
  const random = createRandom(seed);
  return Array.from({ length: series }, (_, s) => {
    const phase = 2 * Math.PI * random.uniform();
    let hours = 0;
    return Array.from({ length: perSeries }, (): Row => {
      hours -= Math.log(1 - random.uniform());
      const angle = phase + (2 * Math.PI * hours) / PERIOD_H;
      const seen = (v: number) => (random.uniform() < 0.2 ? Number.NaN : 5 + 2 * (v + NOISE * random.normal()));
      const values = [seen(Math.sin(angle)), seen(Math.cos(angle))];
      return { series: `sine-${s}`, time: START + hours * HOUR, values: values.every(Number.isNaN) ? [5, 5] : values };
    });
  }).flat();
}

export function toyOptions(overrides: Partial<TrainerOptions> = {}): TrainerOptions {
  return {
    name: 'toy',
    channels: ['a', 'b'],
    window: 24 * HOUR,
    maxObservations: 60,
    horizon: 24 * HOUR,
    periods: [],
    model: {
      latentSize: 4,
      encoder: 'gru',
      encoderUnits: 16,
      encoderClock: 'gap',
      driftUnits: 8,
      driftSteps: 1,
      dynamicsUnits: 16,
      dynamicsDepth: 1,
      decoderUnits: 12,
      likelihood: 'gaussian',
      degreesOfFreedom: 4,
      span: 4,
      knots: 12,
      method: 'rk4',
      rtol: 1e-3,
      atol: 1e-4,
      gradient: 'adjoint',
      instanceNormalisation: false,
    },
    training: {
      seed: 1,
      batchSize: 32,
      learningRate: 0.01,
      maxSteps: 400,
      maxContextObservations: 20,
      samples: 1,
      beta: 1,
      bound: 'elbo',
    },
    ...overrides,
  };
}
