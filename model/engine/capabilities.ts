/** What an engine can compute, as data, and the sentence that says what of a spec it cannot. */
import {
  type DecoderSpec,
  type EncoderSpec,
  GRADIENT_MODES,
  type GradientMode,
  type ModelSpec,
  type SolverMethod,
} from '../latent/spec.ts';

export interface Capabilities {
  readonly encoders: readonly EncoderSpec['kind'][];
  readonly likelihoods: readonly DecoderSpec['likelihood'][];
  /** The methods that it has, with the gradients through each. */
  readonly gradients: Readonly<Partial<Record<SolverMethod, readonly GradientMode[]>>>;
}

/** Of a method without an algebraic inverse. */
const EXCEPT_REVERSIBLE: readonly GradientMode[] = GRADIENT_MODES.filter((mode) => mode !== 'reversible');

/** Everything that a spec can say. */
export const EVERYTHING: Capabilities = {
  encoders: ['gru', 'ode-rnn'],
  likelihoods: ['gaussian', 'student-t'],
  gradients: {
    euler: EXCEPT_REVERSIBLE,
    midpoint: EXCEPT_REVERSIBLE,
    rk4: EXCEPT_REVERSIBLE,
    'reversible-heun': ['checkpointed', 'backprop', 'reversible'],
    dopri5: EXCEPT_REVERSIBLE,
    tsit5: EXCEPT_REVERSIBLE,
  },
};

/** A sentence for whoever wrote the spec, or nothing where the engine can run it. */
export function unsupported(capabilities: Capabilities, { encoder, decoder, solver }: ModelSpec): string | undefined {
  const { encoders, likelihoods, gradients } = capabilities;
  if (!encoders.includes(encoder.kind)) return lacks('encoder', encoder.kind, encoders);
  if (!likelihoods.includes(decoder.likelihood)) return lacks('likelihood', decoder.likelihood, likelihoods);
  const modes = gradients[solver.method];
  if (modes === undefined) return lacks('method', solver.method, Object.keys(gradients));
  if (!modes.includes(solver.gradient)) return lacks(`gradient through ${solver.method}`, solver.gradient, modes);
  return undefined;
}

function lacks(part: string, name: string, known: readonly string[]): string {
  return `This engine has no ${part} ${name}; it has ${known.join(', ')}.`;
}
