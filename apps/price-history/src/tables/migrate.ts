import { migrate } from '@catalogue/postgres';

/** Brings the tables of prices up to date. Can run at any time, and several times at once. */
export async function migratePrices(dsn: string): Promise<void> {
  await migrate(dsn, new URL('../../migrations', import.meta.url));
}
