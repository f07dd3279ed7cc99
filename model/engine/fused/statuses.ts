/** `enum solve_status` of the kernels in this project's words. */
import type { SolveStatus } from '../../latent/batch.ts';

const STATUSES: readonly SolveStatus[] = ['success', 'max-steps', 'min-step', 'non-finite'];

export function statusOf(code: number): SolveStatus {
  return STATUSES[code] ?? 'non-finite';
}
