/** A stream with outliers: a Student-t decoder learns the path and its width where a Gaussian's is torn by them. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Artifact } from '../../../model/artifact-format.ts';
import type { EngineProvider } from '../../../model/engine/engine.ts';
import { createForecaster } from '../../../model/forecast.ts';
import { createRandom } from '../../../model/latent/random.ts';
import type { ModelOptions } from '../../../model/train/options.ts';
import { createTrainer } from '../../../model/train/trainer.ts';
import { tfjsProvider } from '../engines.ts';
import { memorySource, type Row } from '../memory-source.ts';
import { HOUR } from '../toy-artifact.ts';
import { START, toyOptions } from '../toys.ts';

const STEPS = 160;

/** A level a series, and noise of which one value in twelve is thirty times as large as the others. */
function outlierRows(): Row[] {
  const random = createRandom(7);
  return Array.from({ length: 24 }, (_, s) => {
    const level = 2 * random.normal();
    return Array.from({ length: 60 }, (_, i): Row => {
      const size = random.uniform() < 1 / 12 ? 6 : 0.2;
      return { series: `s-${s}`, time: START + i * HOUR, values: [level + size * random.normal()] };
    });
  }).flat();
}

const source = memorySource(1, outlierRows());
const clock = { monotonic: () => performance.now(), now: () => Date.UTC(2026, 10, 22) };
let provider: EngineProvider;
beforeAll(async () => {
  provider = await tfjsProvider();
});

async function train(model: Partial<ModelOptions>, bound: 'elbo' | 'importance-weighted' = 'elbo'): Promise<Artifact> {
  const base = toyOptions({ channels: ['a'], window: 20 * HOUR, horizon: 10 * HOUR });
  const small = { latentSize: 2, encoderUnits: 8, dynamicsUnits: 6, decoderUnits: 6, knots: 6 } as const;
  const trainer = createTrainer({
    options: {
      ...base,
      model: { ...base.model, gradient: 'checkpointed', ...small, ...model },
      training: { ...base.training, batchSize: 12, maxContextObservations: 10, maxSteps: STEPS, samples: 2, bound },
    },
    source,
    provider,
    clock,
  });
  try {
    await trainer.round({ steps: STEPS });
    return await trainer.artifact();
  } finally {
    trainer.close();
  }
}

describe(`${STEPS} steps on a stream with outliers`, () => {
  it('by a Student-t: lower CRPS than by a Gaussian, and the middle half is half, to 0.12, before any calibration', async () => {
    const gaussian = await train({});
    const student = await train({ likelihood: 'student-t', degreesOfFreedom: 2.5 });
    const scores = student.header.evaluation.extrapolation;
    expect(scores.crps).toBeLessThan(gaussian.header.evaluation.extrapolation.crps);
    expect(Math.abs((scores.uncalibratedCoverage?.['0.5'] ?? 0) - 0.5)).toBeLessThan(0.12);
    expect(scores.coverage['0.8']).toBeGreaterThan(0.65);
  });

  it('by an ODE-RNN, tsit5 and importance weights: learns as well, and its forecast has ordered finite quantiles', async () => {
    const artifact = await train(
      { encoder: 'ode-rnn', method: 'tsit5', likelihood: 'student-t', degreesOfFreedom: 2.5 },
      'importance-weighted',
    );
    const { extrapolation, baselines } = artifact.header.evaluation;
    expect(extrapolation.crps).toBeLessThan(baselines['last value'].crps);
    const engine = provider.open(artifact.header.spec);
    const history = source.history('s-3');
    const end = history.bounds?.last ?? 0;
    const times = [end - 5 * HOUR, end + 3 * HOUR, end + 9 * HOUR, end + 40 * HOUR];
    const quantiles = [0.001, 0.05, 0.5, 0.95, 0.999];
    const forecast = await createForecaster({ artifact, engine }).forecast(history, { times, quantiles, samples: 16 });
    engine.close();
    const rows = times.map((_, i) => forecast.channels[0].quantiles.map((column) => column[i]));
    for (const row of rows) {
      expect(row.every(Number.isFinite)).toBe(true);
      expect(row).toEqual([...row].sort((a, b) => a - b));
    }
    // Of 2.5 degrees of freedom the outer quantiles lie six times as far out as the inner ones; of a Gaussian not twice.
    const [low, inner, median] = rows[1];
    expect((median - low) / (median - inner)).toBeGreaterThan(3);
  });
});
