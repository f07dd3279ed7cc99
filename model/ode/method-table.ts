/** Every method by its name, for configurations, command lines and benches. */
import { ab1, ab2, ab3, ab4, ab5, abm2, abm3, abm4, abm5 } from './adams.ts';
import { dop853 } from './dop853.ts';
import { leapfrog } from './leapfrog.ts';
import type { Method } from './method.ts';
import { bosh3, dopri5, euler, fehlberg45, heun, heun21, midpoint, ralston, rk4, rk438 } from './methods.ts';
import { kvaerno5, rodas4 } from './stiff-methods.ts';
import { tsit5 } from './tsit5.ts';
import { vern7 } from './vern7.ts';

const ALL: readonly Method[] = [
  ...[euler, midpoint, heun, ralston, rk4, rk438],
  ...[ab1, ab2, ab3, ab4, ab5, abm2, abm3, abm4, abm5],
  ...[heun21, bosh3, fehlberg45, dopri5, tsit5, vern7, dop853],
  ...[leapfrog, kvaerno5, rodas4],
];

export const METHODS: ReadonlyMap<string, Method> = new Map(ALL.map((method) => [method.name, method]));
