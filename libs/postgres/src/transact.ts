import type { Sql, Transaction } from './connect.ts';
import { isConnectionLost } from './errors.ts';

/**
 * Runs a transaction in two round trips: `begin` with the statements of `read`, then the statements of `write` with
 * `commit`. `sql.begin` takes two more. The locks of `write` are held only while the server writes and commits.
 *
 * @param write sends all statements at once, and returns them without awaiting.
 * @returns the result of `read`, after the commit.
 * @throws the error of a statement or of `read`. Then nothing was stored; after a lost connection (`isConnectionLost`),
 * the outcome is unknown.
 */
export async function transact<T>(
  sql: Sql,
  read: (tx: Transaction) => Promise<T>,
  write: (tx: Transaction, found: T) => Promise<unknown>[],
): Promise<T> {
  const session = await sql.reserve();
  let committing = false;
  // A reserved session takes the same statements as a transaction; savepoints are not used.
  const tx = new Proxy(session as unknown as Transaction, {
    apply: (target, self, args: unknown[]): unknown => {
      // After the commit, the statement would be a separate transaction.
      if (committing) throw new Error('`write` has to send all statements at once: this one came after the commit');
      return Reflect.apply(target as unknown as (...made: unknown[]) => unknown, self, args);
    },
  });
  let lost = false;
  try {
    // `execute` sends the statement now, not when it is awaited: it has to be the first.
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
    // The pool has already taken back a lost connection. Released twice, it would be used twice.
    if (!lost) session.release();
  }
}

/** As Promise.all, but resolves or rejects only after all statements have ended. */
async function whenAllEnded<const T extends readonly PromiseLike<unknown>[]>(sent: T) {
  await Promise.allSettled(sent);
  return await Promise.all(sent);
}
