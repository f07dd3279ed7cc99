/** The space of the parameters of a field that has none: always `null`. */
import type { StateSpace } from './state-space.ts';

export const noParameters: StateSpace<null> = {
  residence: 'host',
  combine: () => null,
  zeros: () => null,
  errorRatio: () => 0,
  isFinite: () => true,
  dot: () => 0,
  sameShape: () => true,
  scope: (work) => work(),
  dispose: () => {},
};
