/** How many requests are in work at once: beyond the bound a new one is shed at once instead of making all of them wait. */
import { Problem } from './problem.ts';

export interface Admission {
  /** @returns what to call when the request is done, idempotent. @throws Problem where there is no room. */
  enter(): () => void;
  readonly inWork: number;
}

export function createAdmission(limit: number, full: () => Problem): Admission {
  let inWork = 0;
  return {
    enter() {
      if (inWork >= limit) throw full();
      inWork += 1;
      let left = false;
      return () => {
        if (!left) inWork -= 1;
        left = true;
      };
    },
    get inWork() {
      return inWork;
    },
  };
}

export const overloaded = () =>
  new Problem('overloaded', 'As many requests as this server takes are in work; ask again after Retry-After seconds.');

export const tooManySubscribers = () =>
  new Problem(
    'too-many-subscribers',
    'As many event streams as this server takes are open; close one, or poll POST /v1/forecast.',
  );
