/** A folder for one test, removed at its end. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

export function tempFolder(): string {
  const path = mkdtempSync(join(tmpdir(), 'odecast-test-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}
