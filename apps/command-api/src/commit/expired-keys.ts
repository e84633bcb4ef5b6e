import { removeExpiredKeys } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import { type Logger, repeat } from '@catalogue/service';

const intervalMs = 60_000;
const keptForMs = 24 * 60 * 60 * 1000;
// Removing 1 000 keys takes milliseconds. While the transaction lasts, it hides later events from the relay.
const batchSize = 1_000;

/** Removes idempotency keys older than 24 hours, with their answers, once a minute until the signal is aborted. */
export async function removeKeysNowAndThen(sql: Sql, log: Logger, signal: AbortSignal): Promise<void> {
  const onFailure = (err: unknown) => log.warn({ err }, 'Expired idempotency keys were not removed');
  await repeat({ everyMs: intervalMs, signal, onFailure }, async () => {
    while (!signal.aborted && (await removeExpiredKeys(sql, keptForMs, batchSize)) === batchSize);
  });
}
