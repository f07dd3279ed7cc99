/**
 * A running average of the weights (Polyak): while the learning rate is high the last step is a noisy guess, and the
 * average is the better model. It is what an artifact is made of.
 */

/** The window of the average, in steps: long enough to still the noise, short enough to keep up with learning. */
const AVERAGED_STEPS = 100;

/** Early on the window is a twentieth of the steps taken: while much is learnt, an old weight is a wrong one. */
export function updateAverage(average: Float32Array, parameters: Float32Array, step: number): Float32Array {
  const weight = 1 / Math.min(AVERAGED_STEPS, 1 + step / 20);
  return average.map((a, i) => a + weight * (parameters[i] - a));
}
