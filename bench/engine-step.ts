/**
 * What one training step and one forecast cost on each engine that the machine has:
 *
 *   npx tsx bench/engine-step.ts [engine …] [--seconds 3]
 *
 * The problem is the spirals' (`docs/engine.md`): GRU 25 over 40 observations, latent 4, dynamics 4–20–4, 16 knots of
 * rk4, decoder 4–20–2, 60 targets a sample, batch 32. Two times: the process's own CPU time a call, and the fastest call,
 * which is what a machine that is busy with other things tells of an idle one.
 */
import { parseArgs } from 'node:util';
import type { Engine } from '../model/engine/engine.ts';
import { selectEngine } from '../model/engine/select.ts';
import type { Ragged, TrainingBatch } from '../model/latent/batch.ts';
import { initialParameters } from '../model/latent/initial-parameters.ts';
import { createRandom, type Random } from '../model/latent/random.ts';
import type { ModelSpec, SolverSpec } from '../model/latent/spec.ts';

const BATCH = 32;
const SPAN = 2;

function spiralsSpec(solver: Partial<SolverSpec>, periodsMs: readonly number[] = []): ModelSpec {
  return {
    channels: ['x', 'y'],
    latentSize: 4,
    encoder: { kind: 'gru', units: 25, clock: 'elapsed' },
    dynamics: { units: 20, depth: 1, periodsMs },
    decoder: { units: 20, likelihood: 'gaussian' },
    solver: { method: 'rk4', knotSpacing: SPAN / 16, rtol: 1e-3, atol: 1e-4, gradient: 'backprop', ...solver },
    timescaleMs: 10_000,
  };
}

function ragged(random: Random, length: number, span: number): Ragged {
  const times = Array.from({ length: BATCH }, () => {
    const sample = Array.from({ length }, () => span * random.uniform()).sort((a, b) => a - b);
    return [0, ...sample.slice(1)];
  });
  return {
    channels: 2,
    offsets: Int32Array.from({ length: BATCH + 1 }, (_, b) => b * length),
    times: Float64Array.from(times.flat()),
    values: Float32Array.from({ length: BATCH * length * 2 }, () => random.normal()),
    mask: new Uint8Array(BATCH * length * 2).fill(1),
  };
}

function spiralsBatch(spec: ModelSpec, random: Random): TrainingBatch {
  return {
    context: ragged(random, 40, SPAN / 2),
    targets: ragged(random, 60, 0.999 * SPAN),
    origins: Float64Array.from({ length: BATCH }, () => 1_795_298_400_250 + 1e9 * random.uniform()),
    noise: Float32Array.from({ length: BATCH * spec.latentSize }, () => random.normal()),
    beta: 1,
  };
}

interface Timing {
  /** CPU time a call. */
  readonly cpuMs: number;
  /** Wall time of the fastest call. */
  readonly bestMs: number;
}

/** After a warm-up that lets the compiler see the code hot. */
async function time(seconds: number, work: () => Promise<unknown>): Promise<Timing> {
  await repeat(seconds / 2, work);
  return repeat(seconds, work);
}

async function repeat(seconds: number, work: () => Promise<unknown>): Promise<Timing> {
  const cpu = process.cpuUsage();
  const calls: number[] = [];
  for (let left = 1000 * seconds; left > 0; left -= calls[calls.length - 1]) {
    const start = performance.now();
    await work();
    calls.push(performance.now() - start);
  }
  const { user, system } = process.cpuUsage(cpu);
  return { cpuMs: (user + system) / 1000 / calls.length, bestMs: Math.min(...calls) };
}

const show = ({ cpuMs, bestMs }: Timing): string => `${cpuMs.toFixed(2).padStart(8)} (best ${bestMs.toFixed(2)})`;

const CASES: readonly { readonly name: string; readonly spec: ModelSpec }[] = [
  { name: 'rk4 backprop', spec: spiralsSpec({}) },
  { name: 'rk4 checkpointed', spec: spiralsSpec({ gradient: 'checkpointed' }) },
  { name: 'rk4 adjoint', spec: spiralsSpec({ gradient: 'adjoint' }) },
  { name: 'rk4 backprop, 2 periods', spec: spiralsSpec({}, [86_400_000, 604_800_000]) },
  { name: 'dopri5 adjoint, rtol 1e-3', spec: spiralsSpec({ method: 'dopri5', gradient: 'adjoint' }) },
];

async function measureForecast(
  engine: Engine,
  parameters: Float32Array,
  batch: TrainingBatch,
  seconds: number,
): Promise<Timing> {
  const times = Float64Array.from({ length: 100 }, (_, i) => (i * SPAN) / 101);
  const context = { ...batch.context, offsets: Int32Array.of(0, batch.context.times.length).fill(40, 1) };
  const one = {
    ...context,
    times: context.times.slice(0, 40),
    values: context.values.slice(0, 80),
    mask: context.mask.slice(0, 80),
  };
  return time(seconds, async () => {
    const { mean: z0 } = await engine.encode(parameters, one);
    return engine.decode(parameters, { z0, origins: batch.origins.slice(0, 1), offsets: Int32Array.of(0, 100), times });
  });
}

async function measure(preference: string, seconds: number): Promise<void> {
  const provider = await selectEngine({ preference, log: console.log });
  for (const { name, spec } of CASES) {
    const random = createRandom(1);
    const engine = provider.open(spec);
    const parameters = initialParameters(spec, random.fork('parameters'));
    const batch = spiralsBatch(spec, random.fork('batch'));
    const step = await time(seconds, () => engine.lossAndGradient(parameters, batch));
    const forecast = await measureForecast(engine, parameters, batch, seconds / 3);
    console.log(`  ${name.padEnd(26)} step ${show(step)} ms   forecast of 100 times ${show(forecast)} ms`);
    engine.close();
  }
}

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '3' } },
});
for (const preference of positionals.length > 0 ? positionals : ['auto'])
  await measure(preference, Number(values.seconds));
