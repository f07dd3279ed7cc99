/** pino, as every role uses it. Roles that run alone log JSON to stdout; `start` logs to a file, its terminal is for people. */
import { type DestinationStream, destination, type Logger, pino } from 'pino';
import type { Config } from './config.ts';

export function roleLogger(config: Pick<Config, 'logLevel'>, role: string, file?: string): Logger {
  const target: DestinationStream = file ? destination({ dest: file, mkdir: true, sync: true }) : destination(1);
  return pino(
    { level: config.logLevel, base: { role }, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    target,
  );
}
