import type { Sql, Transaction } from './connect.ts';
import { isConnectionLost } from './errors.ts';

/**
 * A transaction in two steps, each of which goes out in one piece: `read` with the begin, `write` with the commit. So locks
 * that `write` takes are held for as long as the commit takes, not for a round trip more, and there are two round trips
 * fewer than with `sql.begin`.
 *
 * @param write sends its statements at once, and returns them unawaited.
 * @returns what `read` resolved to, once everything is committed.
 * @throws what a statement or `read` throws; nothing is stored then, except after a lost connection (`isConnectionLost`),
 * when that is not known.
 */
export async function transact<T>(
  sql: Sql,
  read: (tx: Transaction) => Promise<T>,
  write: (tx: Transaction, found: T) => Promise<unknown>[],
): Promise<T> {
  const session = await sql.reserve();
  let committing = false;
  // Statements are the same in both; savepoints are not used.
  const tx = new Proxy(session as unknown as Transaction, {
    apply: (target, self, args: unknown[]): unknown => {
      // Sent after the commit, it would be a transaction of its own.
      if (committing) throw new Error('A statement of the transaction was not made at once: it came after the commit');
      return Reflect.apply(target as unknown as (...made: unknown[]) => unknown, self, args);
    },
  });
  let lost = false;
  try {
    // Without `execute` a statement is only sent when it is awaited, and this one has to be the first.
    const begun = session`begin`.execute();
    const [, found] = await whenAllEnded([begun, read(tx)]);
    const written = write(tx, found);
    committing = true;
    await whenAllEnded([...written, session`commit`]);
    return found;
  } catch (error) {
    lost = isConnectionLost(error);
    if (!lost) await session`rollback`.catch(() => (lost = true));
    throw error;
  } finally {
    // The pool has taken back a connection that ended: given back again, it would be used again.
    if (!lost) session.release();
  }
}

/** Like Promise.all, but what was sent has ended, however, before anything else is. */
async function whenAllEnded<const T extends readonly PromiseLike<unknown>[]>(sent: T) {
  await Promise.allSettled(sent);
  return await Promise.all(sent);
}
