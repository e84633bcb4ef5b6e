import { removeExpiredKeys } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import { type Logger, repeat } from '@catalogue/service';

const every = 60_000;
const keptForMs = 24 * 60 * 60 * 1000;
// A transaction of 1 000 is over in milliseconds: as long as it lasts it hides later events from the relay.
const atOnce = 1_000;

/** Removes the answers of idempotency keys that are older than 24 hours, now and then, until the signal is aborted. */
export async function removeKeysNowAndThen(sql: Sql, log: Logger, signal: AbortSignal): Promise<void> {
  const onFailure = (err: unknown) => log.warn({ err }, 'Expired idempotency keys were not removed');
  await repeat({ everyMs: every, signal, onFailure }, async () => {
    while (!signal.aborted && (await removeExpiredKeys(sql, keptForMs, atOnce)) === atOnce);
  });
}
