import type { Transaction } from '@catalogue/postgres';

/** A row that is locked for longer may stay locked for hours, and waiting for it holds a connection and a turn. */
const briefLockWaitMs = 100;

/** Runs reads that wait for locks only briefly. Later statements of the transaction wait as long as usual. */
export async function waitingBriefly<T>(tx: Transaction, read: () => Promise<T>): Promise<T> {
  // `execute` sends it now, before the statements of `read`.
  const limited = tx`select set_config('lock_timeout', ${`${briefLockWaitMs}ms`}, true)`.execute();
  const [, found] = await Promise.all([limited, read()]);
  await tx`set local lock_timeout to default`;
  return found;
}
