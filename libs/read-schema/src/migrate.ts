import { migrate } from '@catalogue/postgres';

/** Brings the tables of a read model up to date. Can run at any time, and several times at once. */
export async function migrateReadModel(dsn: string): Promise<void> {
  await migrate(dsn, new URL('../migrations', import.meta.url));
}
