/**
 * The file path on real data: 4,000 intensive-care stays, 41 channels, most of them missing at any one time (PhysioNet 2012,
 * set A). The file is not ours to ship: the test says so and passes where it is absent.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { streamSchema } from '../../cli/config.ts';
import { FILE_STREAM, openFileStore } from '../../cli/file-store.ts';
import { selectEngine } from '../../model/engine/select.ts';
import { sourceOf } from '../../model/train/pool.ts';
import { createTrainer } from '../../model/train/trainer.ts';

const FILE = join(import.meta.dirname, '../../../shared/data/physionet2012-set-a.ndjson.gz');
const OBSERVATIONS = 292_178;
const STEPS = 400;

it(`${STEPS} steps on intensive-care stays: held-out CRPS below last value and local level, 80 % interval covers 70 to 95 %`, async () => {
  if (!existsSync(FILE)) {
    console.warn(`\n*** NOT RUN: no ${FILE} ***\n`);
    return;
  }
  const file = await openFileStore(FILE);
  expect(file.channels).toHaveLength(41);
  expect(file.observations).toBe(OBSERVATIONS);
  expect(file.refused.count).toBe(0);
  const options = streamSchema.parse({
    name: FILE_STREAM,
    channels: file.channels,
    window: '24h',
    horizon: '24h',
    model: { instanceNormalisation: true },
  });
  const provider = await selectEngine({ preference: 'auto' });
  const clock = { monotonic: () => performance.now(), now: () => Date.UTC(2026, 10, 22) };
  const trainer = createTrainer({ options, source: sourceOf(file.store, FILE_STREAM), provider, clock });
  await trainer.round({ steps: STEPS });
  const { extrapolation, baselines } = (await trainer.artifact()).header.evaluation;
  console.log(`CRPS ${extrapolation.crps.toFixed(3)}, of the baselines ${JSON.stringify(baselines)}`);
  for (const name of ['last value', 'local level']) expect(extrapolation.crps).toBeLessThan(baselines[name].crps);
  expect(extrapolation.coverage['0.8']).toBeGreaterThan(0.7);
  expect(extrapolation.coverage['0.8']).toBeLessThan(0.95);
  trainer.close();
  await file.close();
});
