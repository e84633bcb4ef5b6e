import type { Transaction } from '@catalogue/postgres';

/** Milliseconds: who holds a row for longer may hold it for hours, and what waits keeps a connection and a turn from others. */
const briefLockWaitMs = 100;

/** Reads with locks that are waited for only briefly. Those of the statements that follow may take as long as ever. */
export async function waitingBriefly<T>(tx: Transaction, read: () => Promise<T>): Promise<T> {
  // Sent now: without `execute` it would be sent after what `read` sends.
  const limited = tx`select set_config('lock_timeout', ${`${briefLockWaitMs}ms`}, true)`.execute();
  const [, found] = await Promise.all([limited, read()]);
  await tx`set local lock_timeout to default`;
  return found;
}
