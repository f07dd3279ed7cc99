import { beforeAll, describe, expect, it } from 'vitest';
import { decodeArtifact, encodeArtifact } from '../../../model/artifact.ts';
import type { EngineProvider } from '../../../model/engine/engine.ts';
import { ModelError } from '../../../model/errors.ts';
import { decodeCheckpoint } from '../../../model/train/checkpoint.ts';
import { createTrainer, type StepReport, type Trainer, type TrainerTask } from '../../../model/train/trainer.ts';
import { tfjsProvider } from '../engines.ts';
import { type MemorySource, memorySource } from '../memory-source.ts';
import { HOUR } from '../toy-artifact.ts';
import { START, sineRows, toyOptions } from '../toys.ts';

let provider: EngineProvider;
beforeAll(async () => {
  provider = await tfjsProvider();
});

const tiny = toyOptions();
const options = {
  ...tiny,
  model: { ...tiny.model, latentSize: 2, encoderUnits: 6, dynamicsUnits: 6, decoderUnits: 5, knots: 6 },
  training: { ...tiny.training, batchSize: 8, maxContextObservations: 8, maxSteps: 20 },
};
const rows = sineRows(1, 20, 40);
const NOW = Date.UTC(2026, 10, 22);

/** A clock that only moves when it is read: a step takes a known time, so a budget is a number of steps. */
function steppingClock(stepMs = 0.5) {
  let ms = 0;
  return { monotonic: () => (ms += stepMs), now: () => NOW };
}

async function withTrainer<T>(overrides: Partial<TrainerTask>, use: (trainer: Trainer) => Promise<T>): Promise<T> {
  const source: MemorySource = memorySource(2, rows);
  const trainer = createTrainer({ options, source, provider, clock: steppingClock(), ...overrides });
  try {
    return await use(trainer);
  } finally {
    trainer.close();
  }
}

/** An engine that gives what a diverged model gives, from a step on. */
function poisoned(from: number, to = Number.POSITIVE_INFINITY): EngineProvider {
  let calls = 0;
  return {
    ...provider,
    open: (spec) => {
      const engine = provider.open(spec);
      const lossAndGradient: typeof engine.lossAndGradient = async (parameters, batch) => {
        const result = await engine.lossAndGradient(parameters, batch);
        const bad = ++calls > from && calls <= to;
        return bad ? { ...result, gradient: result.gradient.map(() => Number.NaN) } : result;
      };
      return { ...engine, lossAndGradient };
    },
  };
}

describe('a trainer', () => {
  it('with a seed and a number of steps gives the same model bit for bit, and another for another seed', async () => {
    const train = (seed: number) =>
      withTrainer({ options: { ...options, training: { ...options.training, seed } } }, async (trainer) => {
        await trainer.round({ steps: 8 });
        return (await trainer.artifact()).parameters;
      });
    const first = await train(1);
    expect(await train(1)).toEqual(first);
    expect(await train(2)).not.toEqual(first);
  });

  it('goes on from a checkpoint as if it had never stopped, bit for bit', async () => {
    const unbroken = await withTrainer({}, async (trainer) => {
      await trainer.round({ steps: 10 });
      return decodeCheckpoint(trainer.checkpoint());
    });
    const checkpoint = await withTrainer({}, async (trainer) => {
      await trainer.round({ steps: 6 });
      return trainer.checkpoint();
    });
    const resumed = await withTrainer({ checkpoint }, async (trainer) => {
      await trainer.round({ steps: 4 });
      return decodeCheckpoint(trainer.checkpoint());
    });
    expect({ ...resumed, seconds: 0 }).toEqual({ ...unbroken, seconds: 0 });
    expect(unbroken.steps).toBe(10);
  });

  it('gives its artifact right after it was restored', async () => {
    const [checkpoint, before] = await withTrainer({}, async (trainer) => {
      await trainer.round({ steps: 3 });
      return [trainer.checkpoint(), await trainer.artifact()] as const;
    });
    const after = await withTrainer({ checkpoint }, (trainer) => trainer.artifact());
    expect(after).toEqual(before);
  });

  it('goes on from a checkpoint whose gradient was computed another way', async () => {
    const checkpoint = await withTrainer({}, async (trainer) => {
      await trainer.round({ steps: 2 });
      return trainer.checkpoint();
    });
    const otherwise = { ...options, model: { ...options.model, gradient: 'backprop' as const } };
    await withTrainer({ checkpoint, options: otherwise }, async (trainer) => {
      expect(trainer.spec.solver.gradient).toBe('backprop');
      expect((await trainer.round({ steps: 2 })).steps).toBe(4);
    });
  });

  it('refuses a checkpoint of another shape and a broken one', async () => {
    const checkpoint = await withTrainer({}, async (trainer) => trainer.checkpoint());
    const codeOf = (task: Partial<TrainerTask>) =>
      withTrainer(task, async () => 'accepted').catch((e) => (e instanceof ModelError ? e.code : e));
    expect(await codeOf({ checkpoint, options: tiny })).toBe('model-mismatch');
    expect(await codeOf({ checkpoint: checkpoint.subarray(0, 900) })).toMatch(/^artifact-/);
    const flipped = checkpoint.slice();
    flipped[flipped.length - 7] ^= 1;
    expect(await codeOf({ checkpoint: flipped })).toBe('artifact-corrupt');
  });

  it('keeps to a budget of wall time, to an abort, and reports every step', async () => {
    const reports: StepReport[] = [];
    await withTrainer({ onStep: (r) => reports.push(r) }, async (trainer) => {
      // Of a step the clock is read three times, half a millisecond each.
      const progress = await trainer.round({ budgetMs: 7.5 });
      expect(progress.status).toBe('trained');
      expect(progress.roundSteps).toBe(5);
      expect(progress.progress).toBe(0.25);
      expect(progress.windowsPerSecond).toBeGreaterThan(0);
      expect(reports).toHaveLength(5);
      expect(reports.every((r) => Number.isFinite(r.loss) && r.durationMs > 0)).toBe(true);
      const controller = new AbortController();
      controller.abort();
      expect(await trainer.round({ steps: 9, signal: controller.signal })).toMatchObject({
        status: 'aborted',
        roundSteps: 0,
      });
    });
  });

  it('lets the event loop turn between steps', async () => {
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await withTrainer({}, (trainer) => trainer.round({ steps: 12 }));
    clearInterval(timer);
    expect(turns).toBeGreaterThanOrEqual(5);
  });

  it('waits while there is too little to learn from, then trains', async () => {
    const source = memorySource(2, rows.slice(0, 5));
    await withTrainer({ source }, async (trainer) => {
      expect((await trainer.round({ steps: 2 })).status).toBe('waiting');
      await expect(trainer.artifact()).rejects.toThrow(/no trained model yet/);
      expect(trainer.hasNews()).toBe(false);
      source.add(rows.slice(5));
      expect(trainer.hasNews()).toBe(true);
      expect((await trainer.round({ steps: 2 })).roundSteps).toBe(2);
    });
  });

  it('skips and counts steps without a finite gradient', async () => {
    await withTrainer({ provider: poisoned(3, 5) }, async (trainer) => {
      const progress = await trainer.round({ steps: 8 });
      expect(progress).toMatchObject({ status: 'trained', roundSteps: 6, skipped: 2 });
      expect((await trainer.artifact()).parameters.every(Number.isFinite)).toBe(true);
    });
  });

  it('ends a round that has diverged, with its last good weights', async () => {
    await withTrainer({ provider: poisoned(2) }, async (trainer) => {
      const progress = await trainer.round({ steps: 1000 });
      expect(progress).toMatchObject({ status: 'diverged', roundSteps: 2, skipped: 30 });
      expect(decodeCheckpoint(trainer.checkpoint()).parameters.every(Number.isFinite)).toBe(true);
    });
  });

  it('learns anew when the data have outgrown its normalisation', async () => {
    const source = memorySource(2, rows.slice(0, 60));
    await withTrainer({ source }, async (trainer) => {
      await trainer.round({ steps: 3 });
      const before = decodeCheckpoint(trainer.checkpoint());
      const later = rows.map((r) => ({ ...r, time: r.time + 1000 * HOUR, values: r.values.map((v) => 1000 * v) }));
      source.add(later);
      await trainer.round({ steps: 2 });
      const after = decodeCheckpoint(trainer.checkpoint());
      expect([after.generation, after.step, after.steps]).toEqual([before.generation + 1, 2, 5]);
      expect(after.basis?.normalisation.channels[0].location).toBeGreaterThan(1000);
    });
  });
});

describe('an artifact of a trainer', () => {
  it('is whole: it can be written, and says what it was made of', async () => {
    const positions = () => [{ topic: 'odecast.toy.events', partition: 0, next: 800 }];
    await withTrainer({ positions }, async (trainer) => {
      await trainer.round({ steps: 5 });
      const artifact = await trainer.artifact();
      expect(decodeArtifact(encodeArtifact(artifact))).toEqual(artifact);
      const { header } = artifact;
      expect(header).toMatchObject({ stream: 'toy', createdAt: NOW, positions: positions(), spec: trainer.spec });
      expect(header.training).toMatchObject({ seed: 1, steps: 5, windows: 40, engine: 'tfjs', gradient: 'adjoint' });
      expect(header.training.lossCurve).toHaveLength(5);
      expect(header.trainedThrough).toBeGreaterThan(START);
      expect(header.evaluation.windows).toBeGreaterThan(40);
      expect(Object.keys(header.evaluation.baselines)).toEqual(['last value', 'linear', 'local level']);
      expect(Object.keys(header.evaluation.interpolationBaselines ?? {})).toEqual(['last value', 'linear']);
    });
  });

  it('is judged against the incumbent on the same windows: equal models pass, a spoilt one loses', async () => {
    await withTrainer({}, async (trainer) => {
      await trainer.round({ steps: 12 });
      const { artifact, decision } = await trainer.propose(undefined);
      expect(decision).toMatchObject({ publish: true });
      expect(decision.reasons[0]).toBe('there is no champion yet');
      const same = await trainer.propose(artifact);
      expect(same.decision.publish).toBe(true);
      expect(same.decision.reasons[0]).toMatch(/\(\+0\.0 %\)/);
      const spoilt = { ...artifact, parameters: artifact.parameters.map((p) => 5 * p) };
      expect((await trainer.propose(spoilt)).decision.reasons[0]).toMatch(/^better/);
    });
  });
});
