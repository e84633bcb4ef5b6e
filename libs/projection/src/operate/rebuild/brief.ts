import { setTimeout as delay } from 'node:timers/promises';
import { errorCode, type Sql, type Transaction } from '@catalogue/postgres';
import { RefusedError } from '../refused.ts';

/** A temporary obstacle: retry. */
export class NotYetError extends Error {}

const lockNotAvailable = '55P03';
const deadlock = '40P01';

/**
 * Runs a transaction whose locks readers and workers also take. It waits at most 200 ms for a lock, so that no other
 * session queues behind it for longer, and retries for `within` milliseconds.
 * @throws {RefusedError} when it gave up.
 */
export async function briefly<T>(sql: Sql, work: (tx: Transaction) => Promise<T>, within = 30_000): Promise<T> {
  const end = Date.now() + within;
  for (;;) {
    try {
      return (await sql.begin(async (tx) => {
        await tx`set local lock_timeout = '200ms'`;
        return await work(tx);
      })) as T;
    } catch (error) {
      const isBusy = [lockNotAvailable, deadlock].includes(errorCode(error) ?? '');
      if (!isBusy && !(error instanceof NotYetError)) throw error;
      if (Date.now() > end) throw new RefusedError(gaveUp(error as Error, within, isBusy), { cause: error });
      await delay(100 + Math.random() * 200);
    }
  }
}

function gaveUp({ message }: Error, within: number, isBusy: boolean): string {
  const hint = isBusy ? ' (look for a long transaction in pg_stat_activity)' : '';
  return `Gave up after ${within / 1000} s and changed nothing: ${message}${hint}`;
}
