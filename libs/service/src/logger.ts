import { type Logger, pino } from 'pino';
import pretty from 'pino-pretty';

export type { Logger };

/** A logger of JSON lines on standard output; on a terminal, or when asked to be pretty, lines for people. */
export function createLogger(service: string, level: string, isPretty = false): Logger {
  const forPeople = process.stdout.isTTY || isPretty;
  const options = { level, base: { service }, timestamp: () => `,"time":"${new Date().toISOString()}"` };
  if (!forPeople) return pino(options);
  // Synchronous, and in this process: the last lines before an exit are the ones that matter.
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
