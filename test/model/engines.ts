/** Engines to test with: the real one on WebAssembly, and one whose solver always fails. */
import type { Engine, EngineProvider } from '../../model/engine/engine.ts';
import { openWasm } from '../../model/engine/tfjs/backends.ts';
import { createTfjsEngine } from '../../model/engine/tfjs/tfjs-engine.ts';
import type { SolveStatus } from '../../model/latent/batch.ts';

export async function tfjsProvider(): Promise<EngineProvider> {
  const { description, gpu, ops } = await openWasm();
  return { name: 'tfjs', description, gpu, open: (spec) => createTfjsEngine(spec, ops) };
}

/** Decodes nothing: every sample ends in the status, its rows NaN as the seam says. */
export function failing(engine: Engine, status: Exclude<SolveStatus, 'success'>): Engine {
  return {
    ...engine,
    decode: async (parameters, request) => {
      const decoded = await engine.decode(parameters, request);
      const nothing = (rows: Float32Array) => new Float32Array(rows.length).fill(Number.NaN);
      const { mean, scale, latent } = decoded;
      return {
        ...decoded,
        mean: nothing(mean),
        scale: nothing(scale),
        latent: nothing(latent),
        status: decoded.status.map(() => status),
      };
    },
  };
}
