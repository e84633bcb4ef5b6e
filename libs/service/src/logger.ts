import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

/** Creates a logger to standard output: JSON lines; on a terminal, or with `isPretty`, readable lines. */
export function createLogger(service: string, level: string, isPretty = false): Logger {
  const isReadable = process.stdout.isTTY || isPretty;
  const options = { level, base: { service }, timestamp: () => `,"time":"${new Date().toISOString()}"` };
  if (!isReadable) return pino(options);
  // Synchronous and in this process, so that the last lines before an exit are not lost.
  return pino(
    options,
    pretty({
      sync: true,
      colorize: true,
      ignore: 'service,pid,hostname',
      translateTime: 'HH:MM:ss.l',
      singleLine: true,
    }),
  );
}
