import { migrate } from '@catalogue/postgres';

/** Brings an event store to the newest version of its tables; can be run at any time. */
export async function migrateEventStore(dsn: string): Promise<void> {
  await migrate(dsn, new URL('../migrations', import.meta.url));
}
