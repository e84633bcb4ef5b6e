import { createLogger } from './logger.ts';
import { logLevel } from './service-settings.ts';
import { readSettings, type Setting } from './settings.ts';

/**
 * The program `migrate` of a service with its own database: migrates it, and returns the exit code. Without an address,
 * it says so and returns 0, because a catalogue without this service has no database for it.
 */
export async function runMigration(
  service: string,
  database: Setting<string>,
  migrate: (dsn: string) => Promise<void>,
  environment: Record<string, string | undefined>,
): Promise<number> {
  const settings = readSettings({ dsn: { ...database, fallback: '' }, logLevel }, environment);
  const log = createLogger(service, settings.logLevel);
  if (settings.dsn === '') {
    log.info(`${database.variable} is not set: no database of ${service} is migrated`);
    return 0;
  }
  try {
    await migrate(settings.dsn);
    log.info(`The tables of ${service} are at their newest version`);
    return 0;
  } catch (error) {
    // A host name with several addresses fails with an error without a message.
    const { message, code } = error as NodeJS.ErrnoException;
    process.stderr.write(`The database of ${database.variable} was not migrated: ${message || code}\n`);
    return 1;
  }
}
