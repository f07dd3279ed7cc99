/**
 * A batch of independent samples: each has its own start, times, step length and status, so that its result is the same
 * bits alone as in any batch. (A batch that is one state, a tensor of samples, is solved jointly by `solve` itself.)
 */
import { type DifferentiableOptions, type Gradient, type Gradients, solveWithGradient } from './gradient.ts';
import { ensure } from './ode-error.ts';
import { lacksParameters, type WithoutParameters } from './solution.ts';
import { type Solution, type SolveOptions, solve } from './solve.ts';

/** What may differ from sample to sample. */
export type Sample<S> = Pick<SolveOptions<S, never>, 'y0' | 't0' | 't1' | 'saveAt' | 'jumps'>;

export type Shared<Options, S> = Omit<Options, keyof Sample<S>>;

/**
 * One solution a sample, in the samples' order; a sample that fails leaves its neighbours as they are.
 *
 * @throws OdeError for a bad argument of any sample; its code names which.
 */
export function solveEach<S, P>(shared: Shared<SolveOptions<S, P>, S>, samples: readonly Sample<S>[]): Solution<S>[];
export function solveEach<S>(
  shared: WithoutParameters<Shared<SolveOptions<S, null>, S>>,
  samples: readonly Sample<S>[],
): Solution<S>[];
export function solveEach<S, P>(
  shared: Shared<SolveOptions<S, P>, S> | WithoutParameters<Shared<SolveOptions<S, null>, S>>,
  samples: readonly Sample<S>[],
): Solution<S>[] {
  return samples.map((sample) =>
    lacksParameters(shared)
      ? solve<S, null>({ ...shared, ...sample, parameters: null })
      : solve<S, P>({ ...shared, ...sample }),
  );
}

/** The samples' solutions, and the way back from all their saved states at once. */
export interface EachDifferentiable<S, P> {
  readonly solutions: readonly Solution<S>[];
  /** [samples][times]; gradients of y0 sample by sample, of the parameters summed in the samples' order. */
  pullback(cotangents: readonly (readonly S[])[]): {
    readonly samples: readonly Gradients<S, P>[];
    readonly parameters: P;
  };
  dispose(): void;
}

/** `solveEach` with the gradient of a loss over all samples. @throws OdeError for a bad argument. */
export function solveEachWithGradient<S, P>(
  shared: Shared<DifferentiableOptions<S, P>, S> & { readonly gradient: Gradient },
  samples: readonly Sample<S>[],
): EachDifferentiable<S, P> {
  const { parameterSpace, parameters } = shared;
  const solved = samples.map((sample) => solveWithGradient<S, P>({ ...shared, ...sample }));
  return {
    solutions: solved.map(({ solution }) => solution),
    pullback: (cotangents) => {
      const count = solved.length;
      ensure(cotangents.length === count, 'bad-cotangents', () => `Give cotangents for each of the ${count} samples.`);
      const gradients = solved.map(({ pullback }, i) => pullback(cotangents[i]));
      const terms = gradients.map((gradient) => gradient.parameters);
      const zero = parameterSpace.zeros(parameters);
      const sum = parameterSpace.combine(
        zero,
        terms.map(() => 1),
        terms,
      );
      parameterSpace.dispose(zero);
      return { samples: gradients, parameters: sum };
    },
    dispose: () => {
      for (const { dispose } of solved) dispose();
    },
  };
}
