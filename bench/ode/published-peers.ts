/**
 * The peers' figures over DETEST for a machine without them: measured once with torchdiffeq 0.2.5 and SciPy 1.15. Counts of
 * evaluations do not depend on the machine; `npm run bench:ode` measures them again wherever it can.
 */
import type { WorkPrecision } from './work-precision.ts';

const point = (solver: string, tolerance: number, evaluations: number, error: number): WorkPrecision => ({
  solver,
  tolerance,
  evaluations,
  error,
});

export const PUBLISHED_PEERS: readonly WorkPrecision[] = [
  point('torchdiffeq dopri5', 1e-3, 4658, 1.22e-2),
  point('torchdiffeq dopri5', 1e-6, 10520, 9.9e-6),
  point('torchdiffeq dopri5', 1e-9, 32930, 6.24e-9),
  point('SciPy RK45', 1e-3, 4238, 8.3e-3),
  point('SciPy RK45', 1e-6, 10916, 5.5e-6),
  point('SciPy RK45', 1e-9, 32996, 3.7e-9),
  point('SciPy DOP853', 1e-3, 5762, 2.3e-4),
  point('SciPy DOP853', 1e-6, 10226, 7.2e-7),
  point('SciPy DOP853', 1e-9, 20102, 8.8e-10),
  point('SciPy LSODA', 1e-3, 4213, 4.3e-3),
  point('SciPy LSODA', 1e-6, 8472, 6.5e-6),
  point('SciPy LSODA', 1e-9, 15028, 7.0e-9),
];
