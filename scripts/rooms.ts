/**
 * The rooms of the code and who may import whom: the table of docs/architecture.md as data.
 * A file belongs to the room with the longest folder that contains it. Inside its room a file may import freely.
 * Not here: how imports are found (`imports.ts`) and how the table is applied (`check-rooms.ts`).
 */

export type Room = {
  readonly folder: string;
  /** Rooms whose values and types may be imported, or single files of them. `*`: everything. */
  readonly imports: readonly string[];
  /** Rooms of which only types may be imported (`import type`: a mixed import still loads the module). */
  readonly types?: readonly string[];
  /** True if no package and no module of Node may be imported either: the room runs wherever JavaScript runs. */
  readonly pure?: true;
};

const MODEL = ['model', 'model/ode', 'model/latent', 'model/engine', 'model/train'];
const LIBRARY = ['ingest', 'ingest/log', ...MODEL];

export const ROOMS: readonly Room[] = [
  { folder: 'ingest', imports: ['ingest/log'] },
  // The log knows nothing of events or observations: of the room around it, only what both stand on.
  { folder: 'ingest/log', imports: ['ingest/errors.ts', 'ingest/lmdb.ts', 'ingest/logger.ts', 'ingest/processes.ts'] },
  { folder: 'model', imports: MODEL, types: ['ingest', 'ingest/log'] },
  { folder: 'model/ode', imports: [], pure: true },
  { folder: 'model/latent', imports: ['model/ode'] },
  { folder: 'model/engine', imports: ['model/engine/fused', 'model/latent', 'model/ode'] },
  // The kernels are loaded here and nowhere else: what a job's descriptor says is checked on the way to it.
  { folder: 'model/engine/fused', imports: ['model/engine', 'model/latent', 'model/ode'] },
  { folder: 'model/train', imports: MODEL, types: ['ingest', 'ingest/log'] },
  { folder: 'serve', imports: LIBRARY },
  // The page runs in a browser: of the server it takes types, and how times are read and written.
  { folder: 'serve/dashboard', imports: ['serve/time.ts'], types: [...LIBRARY, 'serve'] },
  { folder: 'cli', imports: [...LIBRARY, 'serve'] },
  { folder: 'test', imports: ['*'] },
  { folder: 'bench', imports: ['*'] },
  { folder: 'examples', imports: ['*'] },
  { folder: 'scripts', imports: ['*'] },
];

/**
 * Packages that only the named rooms may import, so that what they bring in can be exchanged in one place. A name that ends
 * in `*` stands for all packages that begin so. Packages that are not listed are free. Tests and measurements may use all.
 */
export const PACKAGES: Readonly<Record<string, readonly string[]>> = {
  kafkajs: ['ingest/log'],
  lmdb: ['ingest', 'ingest/log'],
  express: ['serve'],
  helmet: ['serve'],
  'prom-client': ['serve'],
  '@tensorflow/*': ['model/engine'],
  commander: ['cli'],
};
