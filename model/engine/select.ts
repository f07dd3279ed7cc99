/**
 * Probes once what this machine can compute with and opens the best of it, with a sentence that says what and why.
 * The order is of measured speed at this project's sizes (`docs/engine.md`). What is not taken is not loaded.
 */
import type { ModelSpec } from '../latent/spec.ts';
import { unsupported } from './capabilities.ts';
import { deferredEngine } from './deferred-engine.ts';
import type { Engine, EngineProvider } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { refusalOf } from './fused/fused-engine.ts';
import { type FusedOptions, openFused } from './fused/provider.ts';
import type { OpenBackend } from './tfjs/backends.ts';
import { TFJS_CAPABILITIES } from './tfjs/capabilities.ts';

/** `auto`, `fused` and `tfjs` take the best there is, or the best of the kind; the others take that one or fail. */
export const ENGINE_PREFERENCES = [
  'auto',
  'fused',
  'fused-native',
  'fused-wasm',
  'tfjs',
  'tfjs-node-gpu',
  'tfjs-node',
  'tfjs-wasm',
  'tfjs-cpu',
] as const;

export type EnginePreference = (typeof ENGINE_PREFERENCES)[number];

export interface SelectEngineOptions {
  /** One of `ENGINE_PREFERENCES`. */
  readonly preference?: string;
  /** Given a sentence: what was chosen and why; and later, what runs a model that the chosen one cannot. */
  readonly log?: (sentence: string) => void;
  /** Threads that training uses. Default: the environment's ODECAST_THREADS, else the machine's cores, at most four. */
  readonly threads?: number;
  /** A folder that holds the package `@tensorflow/tfjs-node` or its GPU twin, built elsewhere. Default: the environment's ODECAST_TFJS_NODE. */
  readonly nativeFolder?: string;
}

/** What arithmetic there may be. */
interface Candidate {
  readonly preference: EnginePreference;
  readonly kind: 'fused' | 'tfjs';
  /** Why it is worth taking. */
  readonly reason: string;
  /** Preferences, besides its own name, that it is tried for. */
  readonly triedFor: readonly EnginePreference[];
  /** Why it cannot run a model: known before anything of it is loaded. */
  refusal(spec: ModelSpec): string | undefined;
  load(): Promise<Loaded>;
}

interface Loaded {
  readonly description: string;
  readonly gpu: boolean;
  open(spec: ModelSpec): Engine;
}

interface Opened extends Loaded {
  readonly candidate: Candidate;
  /** What was better, and why it could not be had. */
  readonly refused: readonly string[];
}

/** The best first. */
function candidates(nativeFolder: string | undefined, threads: number | undefined): readonly Candidate[] {
  const fast = 'it is the fastest on a CPU';
  const fusedOptions = threads === undefined ? {} : { threads };
  return [
    tfjs('tfjs-node-gpu', 'a GPU is in use', () => openGpu(nativeFolder)),
    fused('fused', fast, ['auto'], fusedOptions),
    fused('fused-native', fast, [], { ...fusedOptions, kind: 'native' }),
    fused('fused-wasm', fast, [], { ...fusedOptions, kind: 'wasm' }),
    tfjs('tfjs-wasm', 'it is the fastest of tfjs without a GPU', async () => (await backends()).openWasm()),
    tfjs('tfjs-node', 'the native binding is installed', async () =>
      (await backends()).openNative(nativeFolder ?? '@tensorflow/tfjs-node'),
    ),
    tfjs('tfjs-cpu', 'it runs anywhere', async () => (await backends()).openJavascript()),
  ];
}

const backends = () => import('./tfjs/backends.ts');

/** The GPU package runs on the CPU too, and then says nothing: only a GPU that is really in use counts. */
async function openGpu(nativeFolder: string | undefined): Promise<OpenBackend> {
  const backend = (await backends()).openNative(nativeFolder ?? '@tensorflow/tfjs-node-gpu');
  if (!(await backend).gpu) throw new Error('no GPU is in use');
  return backend;
}

function tfjs(preference: EnginePreference, reason: string, openBackend: () => Promise<OpenBackend>): Candidate {
  return {
    preference,
    kind: 'tfjs',
    reason,
    triedFor: ['auto', 'tfjs'],
    refusal: (spec) => unsupported(TFJS_CAPABILITIES, spec),
    load: async () => {
      const { description, gpu, ops } = await openBackend();
      const { createTfjsEngine } = await import('./tfjs/tfjs-engine.ts');
      return { description, gpu, open: (spec) => createTfjsEngine(spec, ops) };
    },
  };
}

function fused(
  preference: EnginePreference,
  reason: string,
  triedFor: readonly EnginePreference[],
  options: FusedOptions,
): Candidate {
  return {
    preference,
    kind: 'fused',
    reason,
    triedFor,
    refusal: refusalOf,
    load: async () => ({ ...(await openFused(options)), gpu: false }),
  };
}

/**
 * The provider opens a model on what was chosen; one that this cannot run, on the next best that can, and says so.
 * @throws EngineError `no-engine` when nothing that was preferred is here, with the reasons
 */
export async function selectEngine(options: SelectEngineOptions = {}): Promise<EngineProvider> {
  const { preference = 'auto', log = () => {}, nativeFolder = process.env.ODECAST_TFJS_NODE, threads } = options;
  const wanted = preferred(preference, candidates(nativeFolder, threads));
  const chosen = await openFirst(preference, wanted);
  const description = sentenceOf(chosen);
  log(description);
  const others = wanted.slice(wanted.indexOf(chosen.candidate) + 1);
  return {
    name: chosen.candidate.kind,
    description,
    gpu: chosen.gpu,
    open: (spec) => openFor(spec, chosen, others, log),
  };
}

function preferred(preference: string, all: readonly Candidate[]): readonly Candidate[] {
  const wanted = all.filter((c) => c.preference === preference || c.triedFor.some((name) => name === preference));
  if (wanted.length > 0) return wanted;
  throw new EngineError('no-engine', `There is no engine ${preference}; take one of ${ENGINE_PREFERENCES.join(', ')}.`);
}

async function openFirst(preference: string, wanted: readonly Candidate[]): Promise<Opened> {
  const refused: string[] = [];
  for (const candidate of wanted) {
    try {
      return { ...(await candidate.load()), candidate, refused };
    } catch (error) {
      refused.push(`${candidate.preference}: ${firstLine(error)}`);
    }
  }
  throw new EngineError('no-engine', `No engine ${preference} on this machine. ${refused.join('; ')}.`);
}

/** @throws EngineError `unsupported-spec` with every one's reason, before anything starts */
function openFor(
  spec: ModelSpec,
  chosen: Opened,
  others: readonly Candidate[],
  log: (sentence: string) => void,
): Engine {
  const refusal = chosen.candidate.refusal(spec);
  if (refusal === undefined) return chosen.open(spec);
  const able = others.filter((candidate) => candidate.refusal(spec) === undefined);
  if (able.length === 0) throw new EngineError('unsupported-spec', refusal);
  return deferredEngine(spec, async () => {
    const opened = await openFirst(able[0].preference, able);
    log(`${sentenceOf(opened)} The engine ${chosen.candidate.preference} does not run this model. ${refusal}`);
    return opened.open(spec);
  });
}

function sentenceOf({ candidate: { preference, reason }, description, refused }: Opened): string {
  const without = refused.length > 0 ? ` (not taken: ${refused.join('; ')})` : '';
  return `Engine ${preference}: ${description}, because ${reason}${without}.`;
}

/** A missing package's error lists the paths that it was sought on; sentences of ours end before what comes after them. */
function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : `${error}`).split('\n')[0].replace(/\.$/, '');
}
