import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { roleLogger } from '../../cli/logger.ts';

/** Every write to /dev/full fails as on a full disk. */
test.runIf(existsSync('/dev/full'))('a log file that takes no more fails nobody who writes to it', () => {
  const logger = roleLogger({ logLevel: 'info' }, 'start', '/dev/full');
  expect(() => {
    for (let i = 0; i < 10; i++) logger.info({ i }, 'a line');
  }).not.toThrow();
});
