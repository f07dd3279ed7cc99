import { createFusedEngine, FUSED_CAPABILITIES } from '../../../model/engine/fused/fused-engine.ts';
import { loadKernels } from '../../../model/engine/fused/kernels.ts';
import { type EngineUnderTest, engineContract } from './engine.contract.ts';

let loaded: Promise<EngineUnderTest> | undefined;

/** The build that ODECAST_KERNELS names, or the machine's best. */
async function load(): Promise<EngineUnderTest> {
  const kernels = await loadKernels();
  return {
    open: (spec) => createFusedEngine(spec, kernels),
    liveMatrices: () => kernels.ints.length,
  };
}

engineContract('fused', { capabilities: FUSED_CAPABILITIES, bitIndependent: true }, () => {
  loaded ??= load();
  return loaded;
});
