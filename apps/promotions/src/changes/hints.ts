import { hinter, type Sql } from '@catalogue/postgres';
import { type Logger, repeat } from '@catalogue/service';

const promotionsChanged = 'promotions_changed';
const minPauseMs = 5;

/** Makes a function that tells the other processes that promotions have changed. Call it after the commit. */
export function hintChanged(sql: Sql): () => void {
  return hinter(sql, promotionsChanged, minPauseMs);
}

/** Calls `onHint` whenever a process has changed promotions, until the signal is aborted. Hints can be lost: poll as well. */
export async function listenForChanges(sql: Sql, onHint: () => void, log: Logger, signal: AbortSignal): Promise<void> {
  const onFailure = (err: unknown) => log.warn({ err }, 'Listening for changed promotions failed; polling');
  await repeat({ everyMs: 1_000, signal, onFailure }, async () => {
    // After a lost connection, it listens again.
    const listening = await sql.listen(promotionsChanged, onHint, onHint);
    const { promise: aborted, resolve } = Promise.withResolvers<void>();
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
    await aborted;
    await listening.unlisten();
  });
}
