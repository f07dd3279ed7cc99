/** The contract on the native binding, which is not installed with the project: `scripts/native-tfjs.sh` builds it. */
import { describe, expect, it } from 'vitest';
import { selectEngine } from '../../../model/engine/select.ts';
import { openNative } from '../../../model/engine/tfjs/backends.ts';
import { TFJS_CAPABILITIES } from '../../../model/engine/tfjs/capabilities.ts';
import { createTfjsEngine } from '../../../model/engine/tfjs/tfjs-engine.ts';
import { engineContract } from './engine.contract.ts';

const folder = process.env.ODECAST_TFJS_NODE;

if (folder === undefined || folder === '') {
  describe('engine contract: native TensorFlow', () => {
    const how = 'Set ODECAST_TFJS_NODE to the last line that scripts/native-tfjs.sh FOLDER prints.';
    if (process.env.CI) it('is required in CI', () => expect.unreachable(how));
    else it.skip(`SKIPPED, no native binding here. ${how}`, () => {});
    console.warn(`The engine contract does not run on native TensorFlow. ${how}`);
  });
} else {
  const opened = openNative(folder);
  engineContract('native TensorFlow', { capabilities: TFJS_CAPABILITIES, bitIndependent: false }, async () => {
    const { ops, liveMatrices } = await opened;
    return { open: (spec) => createTfjsEngine(spec, ops), liveMatrices };
  });

  it('is chosen when asked for, and says what it is', async () => {
    const sentences: string[] = [];
    const log = (sentence: string) => sentences.push(sentence);
    const provider = await selectEngine({ preference: 'tfjs-node', nativeFolder: folder, log });
    expect(provider.gpu).toBe(false);
    expect(sentences.join()).toContain('native TensorFlow on the CPU');
  });
}
