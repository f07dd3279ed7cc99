/**
 * The latent ODE once more, as plainly as it can be said: one sample, one number at a time, f64, no code shared with the
 * engines but the names of parameters. Slow and forward only; the gradient is by central differences.
 */
import type { DecodeRequest, Ragged, TrainingBatch } from '../../model/latent/batch.ts';
import type { ParameterLayout } from '../../model/latent/layout.ts';
import type { ModelSpec } from '../../model/latent/spec.ts';

type Vector = readonly number[];
type Parameters = (name: string) => { at(row: number, column: number): number };

const indices = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
const sum = (values: Vector): number => values.reduce((a, b) => a + b, 0);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

export interface Oracle {
  loss(batch: TrainingBatch): { loss: number; negativeLogLikelihood: number; kl: number };
  posterior(context: Ragged): { mean: Vector; logVariance: Vector }[];
  decode(request: DecodeRequest): { mean: Vector; scale: Vector; latent: Vector }[];
}

export function createOracle(spec: ModelSpec, layout: ParameterLayout, flat: ArrayLike<number>): Oracle {
  const parameters = named(layout, flat);
  const posterior = (context: Ragged) =>
    indices(context.offsets.length - 1).map((b) => encode(spec, parameters, context, b));
  return {
    posterior,
    loss: (batch) => loss(spec, parameters, batch, posterior(batch.context)),
    decode: ({ z0, origins, offsets, times }) =>
      indices(origins.length).flatMap((b) => {
        const start = Array.from(z0.subarray(b * spec.latentSize, (b + 1) * spec.latentSize));
        const asked = Array.from(times.subarray(offsets[b], offsets[b + 1]));
        const path = solvePath(spec, parameters, start, origins[b]);
        return asked.map((t) => observe(spec, parameters, path(t)));
      }),
  };
}

function named(layout: ParameterLayout, flat: ArrayLike<number>): Parameters {
  const accessors = new Map(
    layout.blocks.map(({ name, offset, shape }) => {
      const columns = shape[shape.length - 1];
      return [name, { at: (row: number, column: number) => flat[offset + row * columns + column] }];
    }),
  );
  return (name) => {
    const accessor = accessors.get(name);
    if (accessor === undefined) throw new Error(`no parameter ${name}`);
    return accessor;
  };
}

function affine(parameters: Parameters, prefix: string, x: Vector, outputs: number, from = 0): number[] {
  const weight = parameters(`${prefix}.weight`);
  const bias = parameters(`${prefix}.bias`);
  const out = new Array<number>(outputs);
  for (let o = 0; o < outputs; o++) {
    out[o] = bias.at(0, from + o);
    for (let i = 0; i < x.length; i++) out[o] += x[i] * weight.at(i, from + o);
  }
  return out;
}

/** Reset, update and candidate as PyTorch's GRU has them: h' = (1 − u)·n + u·h. */
function gru(spec: ModelSpec, parameters: Parameters, x: Vector, h: Vector): number[] {
  const units = spec.encoder.units;
  const gate = (block: number) => ({
    input: affine(parameters, 'encoder.input', x, units, block * units),
    recurrent: affine(parameters, 'encoder.recurrent', h, units, block * units),
  });
  const [reset, update, candidate] = [gate(0), gate(1), gate(2)];
  return indices(units).map((i) => {
    const r = sigmoid(reset.input[i] + reset.recurrent[i]);
    const u = sigmoid(update.input[i] + update.recurrent[i]);
    const n = Math.tanh(candidate.input[i] + r * candidate.recurrent[i]);
    return (1 - u) * n + u * h[i];
  });
}

/** The explicit midpoint method on dh/dτ = V·tanh(U·h + u) + v; a GRU stands still between observations. */
function drift({ encoder }: ModelSpec, parameters: Parameters, gap: number, from: Vector): Vector {
  if (encoder.kind !== 'ode-rnn') return from;
  const f = (h: Vector): Vector => {
    const hidden = affine(parameters, 'encoder.drift.0', h, encoder.drift.units).map(Math.tanh);
    return affine(parameters, 'encoder.drift.1', hidden, encoder.units);
  };
  const dt = gap / encoder.drift.steps;
  return indices(encoder.drift.steps).reduce<Vector>((h) => plus(h, dt, f(plus(h, dt / 2, f(h)))), from);
}

function encode(
  spec: ModelSpec,
  parameters: Parameters,
  context: Ragged,
  b: number,
): { mean: Vector; logVariance: Vector } {
  const d = spec.channels.length;
  let h: Vector = new Array<number>(spec.encoder.units).fill(0);
  for (let row = context.offsets[b + 1] - 1; row >= context.offsets[b]; row--) {
    const mask = indices(d).map((c) => context.mask[row * d + c]);
    const values = indices(d).map((c) => (mask[c] === 1 ? context.values[row * d + c] : 0));
    const later = row + 1 < context.offsets[b + 1] ? context.times[row + 1] : context.times[row];
    const gap = later - context.times[row];
    h = drift(spec, parameters, gap, h);
    const elapsed = context.times[row] - context.times[context.offsets[b]];
    h = gru(spec, parameters, [...values, ...mask, spec.encoder.clock === 'gap' ? gap : elapsed], h);
  }
  const head = affine(parameters, 'encoder.posterior', h, 2 * spec.latentSize);
  const raw = head.slice(spec.latentSize);
  return { mean: head.slice(0, spec.latentSize), logVariance: raw.map((v) => 10 * Math.tanh(v / 10)) };
}

function field(spec: ModelSpec, parameters: Parameters, originMs: number, t: number, z: Vector): number[] {
  const angles = spec.dynamics.periodsMs.map((period) => {
    // Exact for whole milliseconds: the remainder first, the angle after.
    return 2 * Math.PI * ((originMs % period) / period + (t * spec.timescaleMs) / period);
  });
  let x: Vector = [...z, ...angles.map(Math.sin), ...angles.map(Math.cos)];
  for (let layer = 0; layer < spec.dynamics.depth; layer++) {
    x = affine(parameters, `dynamics.${layer}`, x, spec.dynamics.units).map(Math.tanh);
  }
  return affine(parameters, `dynamics.${spec.dynamics.depth}`, x, spec.latentSize);
}

const plus = (y: Vector, h: number, k: Vector): number[] => y.map((value, i) => value + h * k[i]);

type Slope = (t: number, y: Vector) => Vector;

/** What a method carries from knot to knot. */
interface Carried {
  readonly z: Vector;
  /** ẑ of reversible Heun; it starts as z. */
  readonly shadow: Vector;
}

type Step = (f: Slope, t: number, h: number, y: Vector) => Vector;

const plain =
  (step: Step) =>
  (f: Slope, t: number, h: number, { z }: Carried): Carried => {
    const next = step(f, t, h, z);
    return { z: next, shadow: next };
  };

/** The adaptive methods are stood in for by steps so short that their tolerance is all the difference. */
const fine = plain((f, t, h, y) => indices(6).reduce<Vector>((at, i) => rk4(f, t + (i * h) / 6, h / 6, at), y));

const STEPS: Readonly<
  Record<ModelSpec['solver']['method'], (f: Slope, t: number, h: number, from: Carried) => Carried>
> = {
  euler: plain((f, t, h, y) => plus(y, h, f(t, y))),
  midpoint: plain((f, t, h, y) => plus(y, h, f(t + h / 2, plus(y, h / 2, f(t, y))))),
  rk4: plain(rk4),
  'reversible-heun': (f, t, h, { z, shadow }) => {
    const before = f(t, shadow);
    const next = z.map((value, i) => 2 * value - shadow[i] + h * before[i]);
    const after = f(t + h, next);
    return { z: z.map((value, i) => value + (h / 2) * (before[i] + after[i])), shadow: next };
  },
  dopri5: fine,
  tsit5: fine,
};

function rk4(f: Slope, t: number, h: number, y: Vector): Vector {
  const k1 = f(t, y);
  const k2 = f(t + h / 2, plus(y, h / 2, k1));
  const k3 = f(t + h / 2, plus(y, h / 2, k2));
  const k4 = f(t + h, plus(y, h, k3));
  return y.map((value, i) => value + (h / 6) * (k1[i] + 2 * k2[i] + 2 * k3[i] + k4[i]));
}

type PathAt = (t: number) => Vector;

/** One step a knot away from 0, then the cubic through values and slopes of the two knots around t. */
function solvePath(spec: ModelSpec, parameters: Parameters, z0: Vector, originMs: number): PathAt {
  const h = spec.solver.knotSpacing;
  const f: Slope = (at, z) => field(spec, parameters, originMs, at, z);
  const knots = new Map<number, Carried>([[0, { z: z0, shadow: z0 }]]);
  const knot = (j: number): Carried => {
    const direction = Math.sign(j);
    const known = knots.get(j);
    if (known !== undefined) return known;
    const state = STEPS[spec.solver.method](f, (j - direction) * h, direction * h, knot(j - direction));
    knots.set(j, state);
    return state;
  };
  return (t) => hermite(f, h, Math.floor(t / h), (j) => knot(j).z, t);
}

function hermite(f: Slope, h: number, j: number, knot: (j: number) => Vector, t: number): Vector {
  const [a, b] = [knot(j), knot(j + 1)];
  const [fa, fb] = [f(j * h, a), f((j + 1) * h, b)];
  const u = t / h - j;
  return a.map((_, i) => {
    const [p, q, m, n] = [a[i], b[i], h * fa[i], h * fb[i]];
    return p + u * (m + u * (3 * (q - p) - 2 * m - n + u * (2 * (p - q) + m + n)));
  });
}

function observe(spec: ModelSpec, parameters: Parameters, z: Vector): { mean: Vector; scale: Vector; latent: Vector } {
  const hidden = affine(parameters, 'decoder.hidden', z, spec.decoder.units).map(Math.tanh);
  const output = affine(parameters, 'decoder.output', hidden, 2 * spec.channels.length);
  const raw = output.slice(spec.channels.length);
  return {
    mean: output.slice(0, spec.channels.length),
    scale: raw.map((v) => Math.exp(6 * Math.tanh(v / 6))),
    latent: z,
  };
}

function loss(
  spec: ModelSpec,
  parameters: Parameters,
  batch: TrainingBatch,
  posteriors: readonly { mean: Vector; logVariance: Vector }[],
): { loss: number; negativeLogLikelihood: number; kl: number } {
  const { targets, origins, noise, beta, bound = 'elbo' } = batch;
  const l = spec.latentSize;
  const draws = noise.length / (origins.length * l);
  const count = Math.max(1, sum(Array.from(targets.mask)));
  let [negativeLog, importance] = [0, 0];
  for (const b of indices(origins.length)) {
    const { mean, logVariance } = posteriors[b];
    const logWeights = indices(draws).map((k) => {
      const epsilon = Array.from(noise.subarray((k * origins.length + b) * l, (k * origins.length + b + 1) * l));
      const z0 = mean.map((m, i) => m + Math.exp(logVariance[i] / 2) * epsilon[i]);
      const logP = logLikelihood(spec, parameters, targets, b, solvePath(spec, parameters, z0, origins[b]));
      negativeLog -= logP / draws;
      const logQ = sum(z0.map((z, i) => logNormal(z, mean[i], Math.exp(logVariance[i] / 2))));
      return logP + beta * (sum(z0.map((z) => logNormal(z, 0, 1))) - logQ);
    });
    // Relative to the largest: a likelihood of e^−1000 is no number.
    const largest = Math.max(...logWeights);
    importance += largest + Math.log(sum(logWeights.map((w) => Math.exp(w - largest))) / draws);
  }
  const divergences = posteriors.flatMap(({ mean, logVariance }) => {
    return mean.map((m, i) => 0.5 * (m * m + Math.exp(logVariance[i]) - 1 - logVariance[i]));
  });
  const parts = { negativeLogLikelihood: negativeLog / count, kl: sum(divergences) / count };
  const elbo = parts.negativeLogLikelihood + beta * parts.kl;
  return { ...parts, loss: bound === 'elbo' ? elbo : -importance / count };
}

const logNormal = (x: number, mean: number, deviation: number): number =>
  -0.5 * ((x - mean) / deviation) ** 2 - Math.log(deviation) - 0.5 * Math.log(2 * Math.PI);

function logLikelihood(spec: ModelSpec, parameters: Parameters, targets: Ragged, b: number, path: PathAt): number {
  const d = spec.channels.length;
  const { decoder } = spec;
  let total = 0;
  for (let row = targets.offsets[b]; row < targets.offsets[b + 1]; row++) {
    const { mean, scale } = observe(spec, parameters, path(targets.times[row]));
    for (const c of indices(d)) {
      if (targets.mask[row * d + c] === 0) continue;
      const x = targets.values[row * d + c];
      total +=
        decoder.likelihood === 'gaussian'
          ? logNormal(x, mean[c], scale[c])
          : logStudent((x - mean[c]) / scale[c], decoder.degreesOfFreedom) - Math.log(scale[c]);
    }
  }
  return total;
}

const NORMALISERS = new Map<number, number>();

/** The density that is normalised by its own integral, and not by any formula: over x = tan θ, which has no ends. */
function logStudent(z: number, nu: number): number {
  const core = (x: number): number => -((nu + 1) / 2) * Math.log(1 + (x * x) / nu);
  const known = NORMALISERS.get(nu);
  if (known !== undefined) return core(z) - known;
  const cells = 20_000;
  const angles = indices(cells).map((i) => ((i + 0.5) / cells - 0.5) * Math.PI);
  const integral = sum(angles.map((a) => Math.exp(core(Math.tan(a))) / Math.cos(a) ** 2)) * (Math.PI / cells);
  NORMALISERS.set(nu, Math.log(integral));
  return core(z) - Math.log(integral);
}

/** [P] central differences of the loss in f64. */
export function gradientByDifferences(
  spec: ModelSpec,
  layout: ParameterLayout,
  flat: ArrayLike<number>,
  batch: TrainingBatch,
  step = 1e-5,
): Float64Array {
  const moved = Float64Array.from(flat);
  const lossWith = (i: number, value: number): number => {
    const kept = moved[i];
    moved[i] = value;
    const result = createOracle(spec, layout, moved).loss(batch).loss;
    moved[i] = kept;
    return result;
  };
  return Float64Array.from(flat, (value, i) => (lossWith(i, value + step) - lossWith(i, value - step)) / (2 * step));
}
