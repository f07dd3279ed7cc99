/** What a solve is asked and what it answers. How it does so is in `solve.ts`. */
import type { Controller } from './controller.ts';
import type { Event, FoundEvent } from './events.ts';
import type { Status } from './integrate.ts';
import type { Method } from './method.ts';
import type { Statistics } from './problem.ts';
import type { StateSpace } from './state-space.ts';
import type { ToleranceOf } from './tolerance.ts';
import type { HostField, VectorField } from './vector-field.ts';

/**
 * What a solution keeps: states at any times (sorted or not, repeated or not), at every step, at the end only, or a
 * function of t over the whole span.
 */
export type SaveAt =
  | { readonly times: ArrayLike<number> }
  | { readonly steps: true }
  | { readonly final: true }
  | { readonly dense: true };

export interface SolveOptions<S, P> {
  readonly space: StateSpace<S>;
  readonly field: VectorField<S, P>;
  /** Handed to the field. May be left out for a field that has none, which is handed `null`. */
  readonly parameters: P;
  readonly y0: S;
  /** Time of y0. */
  readonly t0: number;
  /**
   * End of the span, before or after t0. Absent: the farthest of the asked times; where they lie on both sides of t0, both
   * sides are solved and the solution is one.
   */
  readonly t1?: number | undefined;
  /** Default: final only. */
  readonly saveAt?: SaveAt | undefined;
  /** Default: tsit5. */
  readonly method?: Method | undefined;
  /** Default: PI control at rtol 1e-6, atol 1e-9. */
  readonly controller?: Controller | undefined;
  /** Tolerances of this call, for all components or one for each, in place of the controller's; a fixed one takes none. */
  readonly rtol?: ToleranceOf | undefined;
  readonly atol?: ToleranceOf | undefined;
  /** Times where the field jumps: no step crosses one. Those outside the span are ignored. */
  readonly jumps?: ArrayLike<number> | undefined;
  /** Functions whose zeros are to be found on the way. */
  readonly events?: readonly Event<S>[] | undefined;
  /** Attempted steps before the status `max-steps`. Default: 100,000 with an adaptive controller, no limit with a fixed one. */
  readonly maxSteps?: number | undefined;
}

/** Options for a field that has no parameters. */
export type WithoutParameters<O> = Omit<O, 'parameters' | 'parameterSpace'> & {
  readonly parameters?: undefined;
  readonly parameterSpace?: undefined;
};

/** The same for a field that says itself what it takes for none, such as `fieldOf`'s. */
export type WithoutHostParameters<O> = Omit<O, 'parameters' | 'parameterSpace' | 'field'> & {
  readonly field: HostField;
  readonly parameters?: undefined;
  readonly parameterSpace?: undefined;
};

export function lacksHostParameters<O>(options: object): options is WithoutHostParameters<O> {
  const lacks = !('parameters' in options) || options.parameters === undefined;
  return lacks && 'field' in options && isHostField(options.field);
}

const isHostField = (field: unknown): boolean => typeof field === 'object' && field !== null && 'none' in field;

export function lacksParameters<O extends { readonly parameters: unknown }, B>(
  options: O | WithoutParameters<B>,
): options is WithoutParameters<B> {
  return options.parameters === undefined;
}

export interface Solution<S> {
  readonly status: Status;
  /** The time that was reached, when the status is not `success`. */
  readonly failedAt?: number | undefined;
  /** Time of the terminal event that ended the solve; what was asked for after it is NaN. */
  readonly stoppedAt?: number | undefined;
  /** In the order of travel; present when events were asked for. */
  readonly events?: readonly FoundEvent<S>[] | undefined;
  /** Length that an adaptive controller would try next. */
  readonly nextStep?: number | undefined;
  /** Times of `ys`, in the asked order. */
  readonly times: Float64Array;
  /** One state a time, the caller's to dispose of. All NaN where a failed solve did not arrive. */
  readonly ys: readonly S[];
  /** With `saveAt: { dense: true }`: y at any time between t0 and where the solve ended. */
  readonly at?: ((t: number, into?: S) => S) | undefined;
  /** With `at`: frees what it reads from. On the host there is nothing to free. */
  readonly dispose?: (() => void) | undefined;
  /** What to try, when the solve failed or the field looks stiff. */
  readonly advice?: string | undefined;
  readonly statistics: Readonly<Statistics>;
}
