import { type OpenBackend, openJavascript, openWasm } from '../../../model/engine/tfjs/backends.ts';
import { TFJS_CAPABILITIES } from '../../../model/engine/tfjs/capabilities.ts';
import { createTfjsEngine } from '../../../model/engine/tfjs/tfjs-engine.ts';
import { type EngineUnderTest, engineContract } from './engine.contract.ts';

const CLAIMS = { capabilities: TFJS_CAPABILITIES, bitIndependent: false };

function loader(open: () => Promise<OpenBackend>): () => Promise<EngineUnderTest> {
  let opened: Promise<OpenBackend> | undefined;
  return async () => {
    opened ??= open();
    const { ops, liveMatrices } = await opened;
    return { open: (spec) => createTfjsEngine(spec, ops), liveMatrices };
  };
}

engineContract('tfjs in WebAssembly', CLAIMS, loader(openWasm));
engineContract('tfjs in plain JavaScript', CLAIMS, loader(openJavascript));
