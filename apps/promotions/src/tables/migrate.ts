import { migrate } from '@catalogue/postgres';

/** Brings the tables of promotions up to date. Can run at any time, and several times at once. */
export async function migratePromotions(dsn: string): Promise<void> {
  await migrate(dsn, new URL('../../migrations', import.meta.url));
}
