/** Adam (Kingma & Ba 2015, algorithm 1), and the clipping of a gradient's norm. State in, state out. */

export interface AdamState {
  /** Steps taken. */
  readonly step: number;
  /** [P] running mean of the gradient. */
  readonly mean: Float32Array;
  /** [P] running mean of its square. */
  readonly square: Float32Array;
}

export interface AdamOptions {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
}

export const ADAM_DEFAULTS: AdamOptions = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

export function initAdam(size: number): AdamState {
  return { step: 0, mean: new Float32Array(size), square: new Float32Array(size) };
}

/** One step at the given learning rate. Neither the state nor the parameters that came in are changed. */
export function updateAdam(
  state: AdamState,
  parameters: Float32Array,
  gradient: Float32Array,
  learningRate: number,
  { beta1, beta2, epsilon }: AdamOptions = ADAM_DEFAULTS,
): { readonly state: AdamState; readonly parameters: Float32Array } {
  const step = state.step + 1;
  const mean = state.mean.map((m, i) => beta1 * m + (1 - beta1) * gradient[i]);
  const square = state.square.map((s, i) => beta2 * s + (1 - beta2) * gradient[i] ** 2);
  const meanBias = 1 - beta1 ** step;
  const squareBias = 1 - beta2 ** step;
  const next = parameters.map(
    (p, i) => p - (learningRate * (mean[i] / meanBias)) / (Math.sqrt(square[i] / squareBias) + epsilon),
  );
  return { state: { step, mean, square }, parameters: next };
}

/** The gradient scaled down to `maxNorm` where its Euclidean norm is larger. */
export function clipByNorm(gradient: Float32Array, maxNorm: number): Float32Array {
  const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
  return norm > maxNorm ? gradient.map((g) => (g * maxNorm) / norm) : gradient;
}
