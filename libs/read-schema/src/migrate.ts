import { migrate } from '@catalogue/postgres';

/** Brings a read model to the newest version of its tables; can be run at any time, by several at once. */
export async function migrateReadModel(dsn: string): Promise<void> {
  await migrate(dsn, new URL('../migrations', import.meta.url));
}
