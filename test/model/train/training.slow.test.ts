/** Real training on the real engine: the model must learn, beat what is simple, and say honestly how unsure it is. */
import { describe, expect, it } from 'vitest';
import { createForecaster } from '../../../model/forecast.ts';
import { createTrainer } from '../../../model/train/trainer.ts';
import { tfjsProvider } from '../engines.ts';
import { memorySource } from '../memory-source.ts';
import { HOUR } from '../toy-artifact.ts';
import { sineRows, toyOptions } from '../toys.ts';

const rows = sineRows(1, 60, 120);
const clock = { monotonic: () => performance.now(), now: () => Date.UTC(2026, 10, 22) };

describe('training on irregular noisy sines', () => {
  it('halves the CRPS of the last value in 500 steps, and the 80 % interval covers 65 to 95 %', async () => {
    const provider = await tfjsProvider();
    const source = memorySource(2, rows);
    const base = toyOptions();
    const options = { ...base, training: { ...base.training, maxSteps: 500 } };
    const trainer = createTrainer({ options, source, provider, clock });
    await trainer.round({ steps: 500 });
    const artifact = await trainer.artifact();
    trainer.close();
    const { extrapolation, interpolation, baselines } = artifact.header.evaluation;
    expect(extrapolation.crps).toBeLessThan(0.5 * baselines['last value'].crps);
    for (const { coverage } of [extrapolation, interpolation]) {
      expect(coverage['0.8']).toBeGreaterThan(0.65);
      expect(coverage['0.8']).toBeLessThan(0.95);
    }
    const engine = provider.open(artifact.header.spec);
    const history = source.history('sine-0');
    const times = Array.from({ length: 12 }, (_, i) => (history.bounds?.last ?? 0) + i * 2 * HOUR);
    const forecast = await createForecaster({ artifact, engine }).forecast(history, {
      times,
      quantiles: [0.1, 0.9],
      samples: 50,
    });
    engine.close();
    expect(Math.max(...forecast.channels[0].mean) - Math.min(...forecast.channels[0].mean)).toBeGreaterThan(1);
  });
});
