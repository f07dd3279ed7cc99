/** What changes with the step: the learning rate, the weight of the KL term, the length of the horizon. Pure functions. */

const WARM_UP_STEPS = 100;
const FINAL_SHARE = 0.01;
const KL_WARM_UP_STEPS = 200;
const CURRICULUM_SHARE = 0.4;
const FIRST_HORIZON_SHARE = 0.2;

/** Linear warm-up, then a cosine down to 1 % at `maxSteps` (Loshchilov & Hutter 2017), where it stays. */
export function learningRateAt(step: number, peak: number, maxSteps: number): number {
  const warmUp = Math.min(1, (step + 1) / WARM_UP_STEPS);
  const progress = Math.min(1, step / maxSteps);
  const cosine = 0.5 * (1 + Math.cos(Math.PI * progress));
  return peak * warmUp * (FINAL_SHARE + (1 - FINAL_SHARE) * cosine);
}

/** The KL term is phased in: a posterior that must please the prior before it says anything collapses (Bowman 2016). */
export function betaAt(step: number, beta: number): number {
  return beta * Math.min(1, (step + 1) / KL_WARM_UP_STEPS);
}

/** The share of the horizon that targets reach: grows over the first 40 % of the schedule where a curriculum is wanted. */
export function horizonShareAt(step: number, maxSteps: number, curriculum: boolean): number {
  if (!curriculum) return 1;
  const progress = Math.min(1, step / (CURRICULUM_SHARE * maxSteps));
  return FIRST_HORIZON_SHARE + (1 - FIRST_HORIZON_SHARE) * progress;
}
