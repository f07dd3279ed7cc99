/** An engine that is still being loaded, for a spec that it is known to run: the first calls wait for it. */
import type { ModelSpec } from '../latent/spec.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './engine-error.ts';

/** @param load called once, at once; when it fails, so does every call */
export function deferredEngine(spec: ModelSpec, load: () => Promise<Engine>): Engine {
  const loading = load();
  // Whoever calls hears of it; nobody may ever call.
  loading.catch(() => undefined);
  let open = true;
  const loaded = async (): Promise<Engine> => {
    const engine = await loading;
    if (!open) throw new EngineError('closed', 'This engine was closed; open another with its provider.');
    return engine;
  };
  return {
    spec,
    lossAndGradient: async (parameters, batch) => (await loaded()).lossAndGradient(parameters, batch),
    encode: async (parameters, context) => (await loaded()).encode(parameters, context),
    decode: async (parameters, request) => (await loaded()).decode(parameters, request),
    close: () => {
      open = false;
      loading.then((engine) => engine.close()).catch(() => undefined);
    },
  };
}
