import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** A parent may be killed while its child still loads its modules: no `disconnect` comes after that. */
test('a trainer whose parent was gone before it could listen ends by itself', async () => {
  const child = fork(join(import.meta.dirname, 'late-channel.ts'), { execArgv: ['--import', 'tsx'] });
  await once(child, 'spawn');
  child.disconnect();
  const [code] = await once(child, 'exit');
  expect(code).toBe(0);
}, 20_000);
