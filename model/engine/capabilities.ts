/** What an engine can compute, as data, and the sentence that says what of a spec it cannot. */
import {
  type DecoderSpec,
  ENCODERS,
  type EncoderSpec,
  GRADIENTS_THROUGH,
  type GradientMode,
  LIKELIHOODS,
  type ModelSpec,
  type SolverMethod,
} from '../latent/spec.ts';

export interface Capabilities {
  readonly encoders: readonly EncoderSpec['kind'][];
  readonly likelihoods: readonly DecoderSpec['likelihood'][];
  /** The methods that it has, with the gradients through each. */
  readonly gradients: Readonly<Partial<Record<SolverMethod, readonly GradientMode[]>>>;
}

/** Everything that a spec can say. */
export const EVERYTHING: Capabilities = {
  encoders: ENCODERS,
  likelihoods: LIKELIHOODS,
  gradients: GRADIENTS_THROUGH,
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
