/**
 * Probes once what this machine can compute with and opens the best of it, with a sentence that says what and why.
 * The order is of measured speed at this project's sizes (`docs/engine.md`).
 */
import type { EngineProvider } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { type OpenBackend, openJavascript, openNative, openWasm } from './tfjs/backends.ts';
import { createTfjsEngine } from './tfjs/tfjs-engine.ts';

/** `auto` and `tfjs` take the best there is; the others take that one or fail. */
export const ENGINE_PREFERENCES = ['auto', 'tfjs', 'tfjs-node-gpu', 'tfjs-node', 'tfjs-wasm', 'tfjs-cpu'] as const;

export type EnginePreference = (typeof ENGINE_PREFERENCES)[number];

export interface SelectEngineOptions {
  /** One of `ENGINE_PREFERENCES`. */
  readonly preference?: string;
  /** Given one sentence: what was chosen and why. */
  readonly log?: (sentence: string) => void;
  /** A folder that holds the package `@tensorflow/tfjs-node` or its GPU twin, built elsewhere. Default: the environment's ODECAST_TFJS_NODE. */
  readonly nativeFolder?: string;
}

interface Candidate {
  readonly preference: EnginePreference;
  /** Why it is worth taking. */
  readonly reason: string;
  open(): Promise<OpenBackend>;
}

function candidates(nativeFolder: string | undefined): readonly Candidate[] {
  return [
    { preference: 'tfjs-node-gpu', reason: 'a GPU is in use', open: () => openGpu(nativeFolder) },
    { preference: 'tfjs-wasm', reason: 'the fastest without a GPU at this size of model', open: openWasm },
    {
      preference: 'tfjs-node',
      reason: 'the native binding is installed',
      open: () => openNative(nativeFolder ?? '@tensorflow/tfjs-node'),
    },
    { preference: 'tfjs-cpu', reason: 'it runs anywhere', open: openJavascript },
  ];
}

/** The GPU package runs on the CPU too, and then says nothing: only a GPU that is really in use counts. */
async function openGpu(nativeFolder: string | undefined): Promise<OpenBackend> {
  const backend = await openNative(nativeFolder ?? '@tensorflow/tfjs-node-gpu');
  if (!backend.gpu) throw new Error('no GPU is in use');
  return backend;
}

/** @throws EngineError `no-engine` when nothing that was preferred is here, with the reasons. */
export async function selectEngine(options: SelectEngineOptions = {}): Promise<EngineProvider> {
  const { preference = 'auto', log = () => {}, nativeFolder = process.env.ODECAST_TFJS_NODE } = options;
  const refused: string[] = [];
  for (const candidate of preferred(preference, candidates(nativeFolder))) {
    try {
      const provider = providerOf(candidate, await candidate.open(), refused);
      log(provider.description);
      return provider;
    } catch (error) {
      refused.push(`${candidate.preference}: ${firstLine(error)}`);
    }
  }
  throw new EngineError('no-engine', `No engine ${preference} on this machine. ${refused.join('; ')}.`);
}

function preferred(preference: string, all: readonly Candidate[]): readonly Candidate[] {
  if (preference === 'auto' || preference === 'tfjs') return all;
  const chosen = all.filter((candidate) => candidate.preference === preference);
  if (chosen.length > 0) return chosen;
  throw new EngineError('no-engine', `There is no engine ${preference}; take one of ${ENGINE_PREFERENCES.join(', ')}.`);
}

function providerOf(candidate: Candidate, { description, gpu, ops }: OpenBackend, refused: string[]): EngineProvider {
  const without = refused.length > 0 ? ` (not taken: ${refused.join('; ')})` : '';
  return {
    name: 'tfjs',
    description: `Engine ${candidate.preference}: ${description}, because ${candidate.reason}${without}.`,
    gpu,
    open: (spec) => createTfjsEngine(spec, ops),
  };
}

/** A missing package's error lists the paths that it was sought on. */
function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : `${error}`).split('\n')[0];
}
