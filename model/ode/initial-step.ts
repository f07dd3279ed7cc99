/** The first step of an adaptive solve: Hairer, Nørsett, Wanner, Solving Ordinary Differential Equations I, II.4. */
import type { AdaptiveController } from './controller.ts';
import { evaluate, type Problem } from './problem.ts';

/**
 * A length > 0 such that an explicit Euler step of it errs by about 1 % of the tolerance. One evaluation.
 * NaN when the field is not finite at the start.
 */
export function initialStep<S, P>(
  problem: Problem<S, P>,
  controller: AdaptiveController,
  start: { readonly t: number; readonly y: S; readonly slope: S; readonly span: number; readonly order: number },
): number {
  const { space } = problem;
  const { rtol, atol } = controller;
  const direction = Math.sign(start.span);
  const norm = (state: S) => space.errorRatio(state, start.y, start.y, rtol, atol);
  return space.scope(() => {
    const size = norm(start.y);
    const speed = norm(start.slope);
    if (!Number.isFinite(size) || !Number.isFinite(speed)) return Number.NaN;
    const trial = Math.min(Math.abs(start.span), size < 1e-5 || speed < 1e-5 ? 1e-6 : (0.01 * size) / speed);
    const ahead = space.combine(start.y, [direction * trial], [start.slope]);
    const slope = evaluate(problem, start.t + direction * trial, ahead);
    const curvature = norm(space.combine(slope, [-1], [start.slope])) / trial;
    const steepest = Math.max(speed, curvature);
    const guess = steepest <= 1e-15 ? Math.max(1e-6, trial * 1e-3) : (0.01 / steepest) ** (1 / (start.order + 1));
    return Number.isFinite(guess) ? Math.min(100 * trial, guess) : trial;
  });
}
