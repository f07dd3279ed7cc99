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
  const size = parameters.length;
  const next = { step: state.step + 1, mean: new Float32Array(size), square: new Float32Array(size) };
  const moved = new Float32Array(size);
  const meanBias = 1 - beta1 ** next.step;
  const squareBias = 1 - beta2 ** next.step;
  // A plain loop: it is run at every step, and three maps take as long as a tenth of a batch.
  for (let i = 0; i < size; i++) {
    const g = gradient[i];
    next.mean[i] = beta1 * state.mean[i] + (1 - beta1) * g;
    next.square[i] = beta2 * state.square[i] + (1 - beta2) * g * g;
    const move = next.mean[i] / meanBias / (Math.sqrt(next.square[i] / squareBias) + epsilon);
    moved[i] = parameters[i] - learningRate * move;
  }
  return { state: next, parameters: moved };
}

/** The gradient scaled down to `maxNorm` where its Euclidean norm is larger. */
export function clipByNorm(gradient: Float32Array, maxNorm: number): Float32Array {
  const norm = Math.sqrt(gradient.reduce((sum, g) => sum + g * g, 0));
  return norm > maxNorm ? gradient.map((g) => (g * maxNorm) / norm) : gradient;
}
