/** A parent that says which trainer it has and then is no more, without a word to it. */
import { join } from 'node:path';
import { startTrainerProcess } from '../../cli/trainer-process.ts';

startTrainerProcess({
  main: join(import.meta.dirname, 'trainer-child.ts'),
  args: ['obey', process.argv[2]],
  onReport: () => process.kill(process.pid, 'SIGKILL'),
  onDeath: () => undefined,
});
