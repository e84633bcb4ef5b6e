import { migrate } from '@catalogue/postgres';

/** Migrates an event store to the newest version of its tables. Can run at any time. */
export async function migrateEventStore(dsn: string): Promise<void> {
  await migrate(dsn, new URL('../migrations', import.meta.url));
}
