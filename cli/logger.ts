/** pino, as every role uses it. Roles that run alone log JSON to stdout; `start` logs to a file, its terminal is for people. */
import { destination, type Logger, pino } from 'pino';
import type { Config } from './config.ts';

export function roleLogger(config: Pick<Config, 'logLevel'>, role: string, file?: string): Logger {
  const target = file ? destination({ dest: file, mkdir: true, sync: true }) : destination(1);
  // A line that a full disk or a closed pipe does not take must not fail the request that it tells of.
  target.on('error', () => undefined);
  return pino(
    { level: config.logLevel, base: { role }, timestamp: () => `,"time":"${new Date().toISOString()}"` },
    target,
  );
}
