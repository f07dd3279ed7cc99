/** A trainer of a few lines, for the tests of `cli/trainer-process.ts`. The way it behaves is its first argument. */
import { writeFileSync } from 'node:fs';
import { parentChannel } from '../../cli/trainer-process.ts';

const [, , behaviour, file] = process.argv;
const channel = parentChannel();

if (behaviour === 'complain') {
  // As a role that cannot start: it sets its exit code, closes what it has, and has nothing more to do.
  console.error('odecast: the data folder is in use');
  process.exitCode = 1;
  channel?.close();
} else if (channel) {
  channel.report({ kind: 'waiting', stream: 's', observations: process.pid });
  channel.report({
    kind: 'progress',
    stream: 's',
    steps: 1,
    windows: 2,
    loss: Number.NaN,
    stepMs: 3,
    elapsedMs: 4,
    budgetMs: 5,
    first: true,
  });
  const alive = setInterval(() => undefined, 1000);
  channel.signal.addEventListener('abort', () => {
    if (behaviour === 'deaf') return;
    if (file) writeFileSync(file, 'ended');
    clearInterval(alive);
    channel.close();
  });
}
