/**
 * The configuration: one zod schema, one file (`odecast.config.json` or `.yaml`), environment variables over it.
 * Every default has its one home here.
 */

import { z } from 'zod';
import { ENGINE_PREFERENCES } from '../model/engine/select.ts';
import { MOST_THREADS } from '../model/engine/threads.ts';
import { BOUNDS } from '../model/latent/batch.ts';
import {
  ENCODERS,
  GRADIENT_MODES,
  GRADIENTS_THROUGH,
  LIKELIHOODS,
  MAX_DEGREES_OF_FREEDOM,
  SOLVER_METHODS,
} from '../model/latent/spec.ts';
import { parseDuration } from '../serve/time.ts';

const duration = z
  .union([
    z.number().positive(),
    z.string().refine((text) => (parseDuration(text) ?? 0) > 0, 'a number of ms above 0, or like "30s", "2h", "60d"'),
  ])
  .transform((v) => (typeof v === 'number' ? v : (parseDuration(v) ?? Number.NaN)));

const name = z
  .string()
  .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,100}$/, 'letters, digits, ".", "_" and "-", at most 100, not "." or ".."');

/** Channels are keys of JSON objects and columns of tables, in the words of whoever measures: `Temp (°C)` is one. */
const channel = z
  .string()
  .trim()
  .regex(/^(?!__proto__$)[^\p{C}",]{1,100}$/u, 'at most 100 characters, no quotes, commas or control characters');

const distinct = (names: readonly string[]) => new Set(names).size === names.length;

export const modelSchema = z
  .strictObject({
    latentSize: z.int().min(1).max(256).default(8).describe('L, size of the latent state'),
    encoder: z
      .enum(ENCODERS)
      .default('gru')
      .describe('what reads the observations; the state of an `ode-rnn` moves between them by an ODE of its own'),
    encoderUnits: z.int().min(1).max(1024).default(24).describe('R, units of the encoder’s state'),
    encoderClock: z.enum(['gap', 'elapsed']).default('gap').describe('what the encoder sees of time'),
    driftUnits: z.int().min(1).max(1024).default(24).describe('hidden units of the ODE of an `ode-rnn`'),
    driftSteps: z.int().min(1).max(64).default(2).describe('its steps between two observations'),
    dynamicsUnits: z.int().min(1).max(1024).default(24).describe('H, units of a hidden layer of the vector field'),
    dynamicsDepth: z.int().min(1).max(4).default(1).describe('hidden layers of the vector field'),
    decoderUnits: z.int().min(1).max(1024).default(24).describe('units of the decoder’s hidden layer'),
    likelihood: z
      .enum(LIKELIHOODS)
      .default('gaussian')
      .describe('what values follow around the path; `student-t` for data with outliers'),
    degreesOfFreedom: z
      .number()
      .gt(2)
      .max(MAX_DEGREES_OF_FREEDOM)
      .default(4)
      .describe('of `student-t`: fewer are heavier tails'),
    span: z.number().positive().default(4).describe('model time from the start of a window to the end of its horizon'),
    knots: z.int().min(2).max(1000).default(16).describe('solver knots in that span'),
    method: z.enum(SOLVER_METHODS).default('rk4').describe('solver; `dopri5` and `tsit5` choose their own steps'),
    rtol: z.number().positive().default(1e-3).describe('relative tolerance of `dopri5` and `tsit5`'),
    atol: z.number().positive().default(1e-4).describe('absolute tolerance of `dopri5` and `tsit5`'),
    gradient: z
      .enum(GRADIENT_MODES)
      .default('checkpointed')
      .describe(
        'exact, stages computed again (`checkpointed`) or kept (`backprop`); the continuous `adjoint`; `reversible`, for `reversible-heun` only',
      ),
    instanceNormalisation: z
      .boolean()
      .default(false)
      .describe('location and scale of each window, shrunk to the stream’s'),
  })
  .refine(({ method, gradient }) => GRADIENTS_THROUGH[method].includes(gradient), {
    path: ['gradient'],
    error:
      'is not one that goes through this method: `reversible` is for `reversible-heun` alone, and `adjoint` for every other method',
  })
  .prefault({});

export const trainingSchema = z
  .strictObject({
    seed: z.int().min(0).default(1).describe('the same seed and data give the same run'),
    batchSize: z.int().min(1).max(4096).default(32).describe('windows a step'),
    learningRate: z
      .number()
      .positive()
      .default(0.01)
      .describe('peak of Adam’s schedule: warm-up of 100 steps, cosine to 1 %'),
    firstRound: duration.default(12_000).describe('training time before the first artifact'),
    round: duration.default(30_000).describe('training time between two evaluations'),
    rest: duration.default(60_000).describe('least time between two rounds once the schedule is over'),
    maxSteps: z
      .int()
      .positive()
      .default(10_000)
      .describe('length of the learning-rate schedule; afterwards only new events are learnt'),
    maxContextObservations: z
      .int()
      .min(1)
      .default(40)
      .describe('a training context is a random subset of at most so many'),
    samples: z.int().min(1).max(64).default(1).describe('posterior samples of the training loss'),
    beta: z.number().min(0).default(1).describe('final weight of the KL term'),
    bound: z
      .enum(BOUNDS)
      .default('elbo')
      .describe('what training raises; `importance-weighted` is tighter the more `samples` it has'),
  })
  .prefault({});

export const streamSchema = z.strictObject({
  name: name.describe('how queries name the stream'),
  topic: name.optional().describe('default: odecast.<name>.events'),
  channels: z
    .array(channel)
    .min(1)
    .max(256)
    .refine(distinct, 'names a channel twice')
    .describe('what is observed, in the order of columns'),
  window: duration.describe('longest context that a forecast reads'),
  maxObservations: z.int().min(1).max(10_000).default(200).describe('most observations that a forecast reads'),
  horizon: duration.describe('how far ahead the model is trained'),
  periods: z.array(duration).max(8).default([]).describe('seasonal periods, e.g. ["1d", "365.25d"]'),
  unknownChannels: z
    .enum(['refuse', 'ignore'])
    .default('refuse')
    .describe('an event with an unknown channel becomes a dead letter, or loses that channel'),
  acceptedTimes: z
    .strictObject({ from: z.number(), to: z.number() })
    .default({ from: -62_135_596_800_000, to: 253_402_300_799_999 })
    .describe('event times outside are dead letters, ms since the epoch; default: years 1 to 9999'),
  maxEventBytes: z.int().positive().default(65_536).describe('larger events are dead letters'),
  retention: z
    .strictObject({
      maxAge: duration.optional().describe('older observations than this before the newest are removed'),
      maxPerSeries: z.int().positive().optional().describe('only so many newest observations of a series are kept'),
    })
    .prefault({}),
  model: modelSchema,
  training: trainingSchema,
});

export const configSchema = z.strictObject({
  streams: z.array(streamSchema).min(1),
  host: z.string().default('127.0.0.1').describe('address to listen on; another than loopback needs keys'),
  port: z.int().min(0).max(65_535).default(8080).describe('port to listen on; 0 takes a free one'),
  data: z.string().default('.odecast').describe('the data folder'),
  log: z.enum(['embedded', 'kafka']).default('embedded').describe('where events and models travel'),
  kafka: z
    .strictObject({
      brokers: z.array(z.string()).default([]).describe('host:port of each'),
      clientId: z.string().default('odecast').describe('how the broker’s log calls this client'),
      group: z.string().default('odecast').describe('consumer group; roles add their name'),
      partitions: z.int().positive().default(6).describe('of topics that odecast creates'),
      replicationFactor: z.int().positive().default(1).describe('of topics that odecast creates'),
    })
    .prefault({}),
  engine: z
    .enum(ENGINE_PREFERENCES)
    .default('auto')
    .describe('what computes the model; `auto` takes the best that the machine has'),
  threads: z
    .int()
    .min(1)
    .max(MOST_THREADS)
    .optional()
    .describe('threads that training uses; default: the machine’s cores, at most 4'),
  logLevel: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('least severity that is logged'),
  limits: z
    .strictObject({
      bodyBytes: z.int().positive().default(1_048_576).describe('largest request body'),
      timesPerQuery: z.int().positive().default(10_000).describe('most timestamps of one query'),
      queriesPerBatch: z.int().positive().default(100).describe('most queries of one request'),
      samples: z.int().positive().default(256).describe('most posterior samples of one query'),
      concurrency: z.int().positive().default(64).describe('requests in work before new ones are shed with 503'),
    })
    .prefault({}),
  auth: z
    .strictObject({
      keys: z
        .array(
          z.strictObject({
            name: z.string().describe('how the log calls the key'),
            sha256: z
              .string()
              .regex(/^[0-9a-f]{64}$/)
              .describe('SHA-256 of the key, hexadecimal; the key itself is stored nowhere'),
            scopes: z.array(z.enum(['read', 'write', 'admin'])).describe('what it may do'),
          }),
        )
        .default([])
        .describe('bearer keys'),
      anonymous: z.boolean().default(false).describe('allow requests without a key although the host is not loopback'),
    })
    .prefault({}),
});

/** An environment variable over the file: where its value goes, and how its text is read. */
export interface EnvironmentVariable {
  readonly path: readonly string[];
  readonly parse: (text: string) => unknown;
  readonly describe: string;
}

const asText = (text: string) => text;

export const ENVIRONMENT: Readonly<Record<string, EnvironmentVariable>> = {
  ODECAST_HOST: { path: ['host'], parse: asText, describe: 'address to listen on' },
  ODECAST_PORT: { path: ['port'], parse: Number, describe: 'port to listen on; 0 takes a free one' },
  ODECAST_DATA: { path: ['data'], parse: asText, describe: 'the data folder' },
  ODECAST_LOG: { path: ['log'], parse: asText, describe: '`embedded` or `kafka`' },
  ODECAST_KAFKA_BROKERS: {
    path: ['kafka', 'brokers'],
    parse: (text) => text.split(',').map((b) => b.trim()),
    describe: 'host:port, separated by commas',
  },
  ODECAST_ENGINE: {
    path: ['engine'],
    parse: asText,
    describe: ENGINE_PREFERENCES.map((name) => `\`${name}\``).join(', '),
  },
  ODECAST_THREADS: { path: ['threads'], parse: Number, describe: 'threads that training uses' },
  ODECAST_LOG_LEVEL: { path: ['logLevel'], parse: asText, describe: 'as pino’s' },
};

export type Config = z.output<typeof configSchema>;
export type StreamConfig = z.output<typeof streamSchema>;
