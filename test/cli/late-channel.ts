/** A child that asks for its parent only once it is gone; exit code 0 where it is told to end. */
import { parentChannel } from '../../cli/trainer-process.ts';

const kept = setInterval(() => {
  if (process.connected) return;
  clearInterval(kept);
  process.exit(parentChannel()?.signal.aborted ? 0 : 1);
}, 5);
