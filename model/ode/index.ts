/** The public door: `import { solve } from 'odecast/ode'`. */

export {
  ab1,
  ab2,
  ab3,
  ab4,
  ab5,
  abm2,
  abm3,
  abm4,
  abm5,
  adamsBashforth,
  adamsBashforthMoulton,
} from './adams.ts';
export { type AdjointOptions, adjoint } from './adjoint.ts';
export { backprop } from './backprop.ts';
export { type CheckpointedOptions, checkpointed } from './checkpointed.ts';
export {
  type AdaptiveController,
  type AdaptiveOptions,
  adaptive,
  type Controller,
  constantStep,
  constantSteps,
  type FixedController,
  integral,
  onKnots,
  pi,
  pid,
} from './controller.ts';
export { withDifferences } from './differences.ts';
export { dop853 } from './dop853.ts';
export { type Esdirk, type EsdirkTableau, esdirk } from './esdirk.ts';
export { type Event, eventCotangent, type FoundEvent } from './events.ts';
export { type ExplicitRungeKutta, explicitRungeKutta } from './explicit-runge-kutta.ts';
export { float64Space, float64SpaceWith, type HostNorm } from './float64-space.ts';
export { type Arithmetic, type Formula, fieldOf } from './formula.ts';
export { type Direction, type ForwardOptions, type ForwardSolution, solveForward } from './forward.ts';
export {
  type Differentiable,
  type DifferentiableOptions,
  type Gradient,
  type Gradients,
  solveWithGradient,
} from './gradient.ts';
export type { Ending, Status } from './integrate.ts';
export { leapfrog } from './leapfrog.ts';
export { type LipschitzOptions, lipschitzAlong } from './lipschitz.ts';
export type {
  Method,
  OutputWeights,
  Reversal,
  Segment,
  SegmentCotangent,
  StepEnd,
  StepPull,
  Stepper,
  Trial,
} from './method.ts';
export { METHODS } from './method-table.ts';
export {
  bosh3,
  dopri5,
  euler,
  fehlberg45,
  heun,
  heun21,
  midpoint,
  ralston,
  rk4,
  rk438,
} from './methods.ts';
export { noParameters } from './no-parameters.ts';
export { ODE_ERROR_CODES, OdeError, type OdeErrorCode } from './ode-error.ts';
export type { Problem, Statistics } from './problem.ts';
export { reversible } from './reversible.ts';
export { type RosenbrockTableau, rosenbrock } from './rosenbrock.ts';
export { type Acceleration, secondOrder } from './second-order.ts';
export {
  type SaveAt,
  type Solution,
  type SolveOptions,
  solve,
  type WithoutHostParameters,
  type WithoutParameters,
} from './solve.ts';
export { type EachDifferentiable, type Sample, type Shared, solveEach, solveEachWithGradient } from './solve-each.ts';
export type { JacobianSource, Linearization, Stages, StageTable, StageWork, StateSpace } from './state-space.ts';
export { kvaerno5, rodas4 } from './stiff-methods.ts';
export { createTableau, type DenseOutput, type ErrorEstimate, type Tableau, type TableauSpec } from './tableau.ts';
export type { Tolerance, ToleranceOf } from './tolerance.ts';
export { tsit5 } from './tsit5.ts';
export type { Cotangents, HostField, Tangent, VectorField } from './vector-field.ts';
export { vern7 } from './vern7.ts';
