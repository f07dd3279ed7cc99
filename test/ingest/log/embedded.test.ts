import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedLog } from '../../../ingest/log/embedded.ts';
import { eventLogContract } from './event-log.contract.ts';

eventLogContract('the embedded log', async () => {
  const path = mkdtempSync(join(tmpdir(), 'odecast-log-'));
  return {
    open: async () => openEmbeddedLog({ path, clock: Date.now }),
    close: async () => rmSync(path, { recursive: true, force: true }),
  };
});
