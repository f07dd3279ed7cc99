/**
 * The kernels' solvers without a model around them, on each build that this machine has: end states and the gradient of the sum
 * of z(T)², beside plain doubles whose gradient is a central difference; what a lane gives beside any others; how it fails.
 */
import { describe, expect, test } from 'vitest';
import { JobPlan, runJob } from '../../../model/engine/fused/arena.ts';
import { SOLVE_JOB } from '../../../model/engine/fused/job.ts';
import { KERNEL_CHOICES, type Kernels, loadKernels } from '../../../model/engine/fused/kernels.ts';
import { METHODS, tableauCells } from '../../../model/engine/fused/model-cells.ts';
import { createRandom } from '../../../model/latent/random.ts';
import type { SolverMethod } from '../../../model/latent/spec.ts';
import { type MlpShape, mlpField, parameterCount, type Stepping, solveInDoubles } from './field-in-doubles.ts';

const SHAPE: MlpShape = { latent: 3, units: 7, depth: 2 };
const SAMPLES = 37;
/** A prime: weights and biases of every layer come up. */
const NTH = 11;
const GRADIENTS = { checkpointed: 0, adjoint: 1, reversible: 2 } as const;
const [SUCCESS, MAX_STEPS, MIN_STEP, NON_FINITE] = [0, 1, 2, 3];

interface Task {
  readonly method: SolverMethod;
  readonly gradient: keyof typeof GRADIENTS;
  readonly steps: number;
  readonly spacing: number;
  readonly tolerance?: number;
  readonly maxSteps?: number;
}

const random = createRandom(11);
const parameters = Float32Array.from({ length: parameterCount(SHAPE) }, () => 0.6 * random.normal());
const starts = Float32Array.from({ length: SAMPLES * SHAPE.latent }, () => random.normal());

/** What does not depend on the build is computed once. */
const expectations = new Map<Task, ReturnType<typeof inDoubles>>();

const builds: readonly (readonly [string, Kernels])[] = await loadBuilds();

async function loadBuilds() {
  const choices = KERNEL_CHOICES.filter((choice) => /^native-|^wasm-/.test(choice));
  const loaded = choices.map(async (choice) => [choice, await loadKernels({ choice }).catch(() => undefined)] as const);
  return (await Promise.all(loaded)).flatMap(([name, kernels]) => (kernels ? [[name, kernels] as const] : []));
}

test('there is a build', () => expect(builds.map(([name]) => name)).toContain('wasm-plain'));

/** The whole batch, or what is given in its place. */
function solve(kernels: Kernels, task: Task, { z0 = starts, weights = parameters } = {}) {
  const plan = new JobPlan();
  const samples = z0.length / SHAPE.latent;
  const { head, body } = tableauCells(METHODS[task.method].table);
  const values = {
    ...SHAPE,
    parameters_at: plan.input(weights, 64),
    tableau_at: plan.input(Int32Array.of(...head, ...new Int32Array(body.buffer))),
    method: METHODS[task.method].code,
    gradient: GRADIENTS[task.gradient],
    steps: task.steps,
    max_steps: task.maxSteps ?? 1000,
    spacing: task.spacing,
    rtol: task.tolerance ?? 0,
    atol: task.tolerance ?? 0,
    samples,
    z0_at: plan.input(z0),
    backward: 1,
    end_at: plan.room(z0.length),
    z_gradient_at: plan.room(z0.length),
    gradient_at: plan.room(weights.length),
    status_at: plan.room(samples),
    forward_at: plan.room(samples),
    backward_at: plan.room(samples),
  };
  runJob(kernels, plan, { operation: 'solve', cells: SOLVE_JOB, values });
  const floats = (at: number, length: number) => kernels.floats.slice(at, at + length);
  const ints = (at: number) => [...kernels.ints.slice(at, at + samples)];
  return {
    end: floats(values.end_at, z0.length),
    zGradient: floats(values.z_gradient_at, z0.length),
    gradient: floats(values.gradient_at, weights.length),
    status: ints(values.status_at),
    forward: ints(values.forward_at),
    backward: ints(values.backward_at),
  };
}

/** Of −4 tanh tanh (z + ½): all states go to −½. */
function contracting() {
  const { latent, units } = SHAPE;
  const weights = new Float32Array(parameters.length);
  const [second, last] = [(latent + 1) * units, (latent + 1) * units + (units + 1) * units];
  for (let i = 0; i < latent; i++) {
    weights[i * units + i] = 1;
    weights[latent * units + i] = 0.5;
    weights[second + i * units + i] = 1;
    weights[last + i * latent + i] = -4;
  }
  return weights;
}

/** The same in doubles: end states, and central differences of the loss in every nth parameter and the first state. */
function inDoubles({ steps, spacing }: Task, stepping: Stepping) {
  const rows = Array.from({ length: SAMPLES }, (_, b) => [...starts.subarray(3 * b, 3 * b + 3)]);
  const weights = Float64Array.from(parameters);
  const ends = () => rows.flatMap((z) => solveInDoubles(mlpField(SHAPE, weights), z, { steps, spacing, stepping }));
  const loss = () => ends().reduce((sum, value) => sum + value * value, 0);
  const slopeOf = (values: { [i: number]: number }, i: number): number => {
    const before = values[i];
    const [high, low] = [1e-5, -1e-5].map((step) => {
      values[i] = before + step;
      return loss();
    });
    values[i] = before;
    return (high - low) / 2e-5;
  };
  return {
    end: ends(),
    gradient: Array.from({ length: Math.ceil(weights.length / NTH) }, (_, i) => slopeOf(weights, NTH * i)),
    zGradient: [0, 1, 2].map((i) => slopeOf(rows[0], i)),
  };
}

const sizeOf = (values: readonly number[]): number => Math.hypot(...values);
const distance = (found: readonly number[], expected: readonly number[]): number =>
  sizeOf(expected.map((value, i) => value - found[i])) / sizeOf(expected);

/** Fine enough for 1e-6. */
const FINE: Stepping = { kind: 'rk4', fine: 10 };
const CASES: readonly (readonly [Task, Stepping])[] = [
  [
    { method: 'rk4', gradient: 'checkpointed', steps: 6, spacing: 0.3 },
    { kind: 'rk4', fine: 1 },
  ],
  [
    { method: 'rk4', gradient: 'adjoint', steps: 40, spacing: 0.05 },
    { kind: 'rk4', fine: 2 },
  ],
  [{ method: 'reversible-heun', gradient: 'checkpointed', steps: 8, spacing: 0.2 }, { kind: 'reversible-heun' }],
  [{ method: 'reversible-heun', gradient: 'reversible', steps: 8, spacing: -0.2 }, { kind: 'reversible-heun' }],
  ...(['dopri5', 'tsit5'] as const).flatMap((method) =>
    ([1, -1] as const).flatMap((sign) =>
      (['checkpointed', 'adjoint'] as const).map(
        (gradient) => [{ method, gradient, steps: 2, spacing: sign * 0.8, tolerance: 1e-6 }, FINE] as const,
      ),
    ),
  ),
];

describe.each(builds)('%s', (_, kernels) => {
  test.each(CASES)('$method, $gradient, over $spacing: the states to 2e-5, the gradient to 1e-4', (task, stepping) => {
    const found = solve(kernels, task);
    const expected = expectations.get(task) ?? inDoubles(task, stepping);
    expectations.set(task, expected);
    expect(distance([...found.end], expected.end)).toBeLessThan(2e-5);
    expect(
      distance(
        [...found.gradient].filter((_, i) => i % NTH === 0),
        expected.gradient,
      ),
    ).toBeLessThan(1e-4);
    expect(distance([...found.zGradient.subarray(0, 3)], expected.zGradient)).toBeLessThan(1e-4);
    expect(new Set(found.status)).toEqual(new Set([SUCCESS]));
    expect(Math.min(...found.forward, ...found.backward)).toBeGreaterThan(0);
  });

  test.each(CASES)(
    '$method, $gradient, over $spacing: a sample alone has the bits that it has among others',
    (task) => {
      const all = solve(kernels, task);
      for (const b of [0, 17, SAMPLES - 1]) {
        const alone = solve(kernels, task, { z0: starts.slice(3 * b, 3 * b + 3) });
        expect(alone.end).toEqual(all.end.slice(3 * b, 3 * b + 3));
        expect(alone.zGradient).toEqual(all.zGradient.slice(3 * b, 3 * b + 3));
        expect([alone.forward[0], alone.backward[0]]).toEqual([all.forward[b], all.backward[b]]);
      }
    },
  );

  test.each(CASES)('$method, $gradient, over $spacing: a start that is no number fails alone', (task) => {
    const z0 = starts.slice();
    z0[3 * 5] = Number.NaN;
    z0[3 * 6 + 1] = Number.NEGATIVE_INFINITY;
    z0[3 * 7 + 2] = 1e30;
    const [before, after] = [solve(kernels, task), solve(kernels, task, { z0 })];
    expect(after.status).toEqual(before.status.map((_, b) => (b >= 5 && b <= 7 ? NON_FINITE : SUCCESS)));
    expect(after.end.slice(24)).toEqual(before.end.slice(24));
    expect(after.gradient.every(Number.isFinite)).toBe(true);
    expect(after.zGradient.slice(15, 24)).toEqual(new Float32Array(9));
  });

  test.each(['dopri5', 'tsit5'] as const)(
    '%s ends in a status: steps spent, step vanished, weights no numbers',
    (method) => {
      const task: Task = { method, gradient: 'checkpointed', steps: 1, spacing: 8, tolerance: 1e-6 };
      const statuses = (...given: Parameters<typeof solve>) => [...new Set(solve(...given).status)];
      const broken = (value: number) => parameters.map((weight, i) => (i === parameters.length - 1 ? value : weight));
      expect(statuses(kernels, { ...task, maxSteps: 4 })).toEqual([MAX_STEPS]);
      expect(statuses(kernels, task, { weights: broken(1e30) })).toEqual([MIN_STEP]);
      expect(statuses(kernels, task, { weights: broken(Number.NaN) })).toEqual([NON_FINITE]);
    },
  );

  // Adaptive steps carry errors of the tolerance: nothing fades there.
  test.each(['checkpointed', 'adjoint'] as const)(
    'a cotangent that fades along a long way, %s, ends as 0 and not as a subnormal, which is slow',
    (gradient) => {
      // 0.67 a step: 1e-41 of it is left after 236 steps.
      const task: Task = { method: 'rk4', gradient, steps: 236, spacing: 0.1 };
      const { zGradient, end } = solve(kernels, task, { weights: contracting() });
      expect(end.every((z) => Math.abs(z + 0.5) < 1e-6)).toBe(true);
      expect(zGradient.every((g) => g === 0)).toBe(true);
    },
  );

  // At the edge of its stability dopri5's cotangents grow on the way and cancel in the sum over all steps; those of tsit5 do not.
  test.each([
    ['dopri5', 1e-2],
    ['tsit5', 1e-5],
  ] as const)(
    '%s with a journal that begins anew twice: z₀ has the gradient of one that does not, to the bit, the parameters to %d',
    (method, tolerance) => {
      const task: Task = { method, gradient: 'checkpointed', steps: 1, spacing: 75, tolerance: 1e-6 };
      const weights = parameters.map((weight) => 2.5 * weight);
      const [short, long] = [4096, 90_000].map((maxSteps) => solve(kernels, { ...task, maxSteps }, { weights }));
      expect(Math.max(...short.forward)).toBeGreaterThan(2 * 6 * 64);
      expect(short.end).toEqual(long.end);
      expect(short.zGradient).toEqual(long.zGradient);
      expect(distance([...short.gradient], [...long.gradient])).toBeLessThan(tolerance);
    },
  );
});
