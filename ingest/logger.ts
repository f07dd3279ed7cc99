/** What ingest needs of a logger: pino's shape, so that a pino logger can be handed in as it is. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** For tests and for tools that have nothing to say. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** Wall-clock time, ms since the epoch. Handed in, so that nothing in ingest reads the clock by itself. */
export type Clock = () => number;
