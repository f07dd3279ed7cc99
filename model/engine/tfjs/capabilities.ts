/** What the engine on tfjs can compute: apart from it, so that asking does not load it. */
import { type Capabilities, EVERYTHING } from '../capabilities.ts';

/** `model/ode`, which solves here, has no reversible Heun. */
const { 'reversible-heun': _, ...gradients } = EVERYTHING.gradients;
export const TFJS_CAPABILITIES: Capabilities = { ...EVERYTHING, gradients };
