import type { Sql } from '@catalogue/postgres';
import { type Logger, repeat } from '@catalogue/service';
import { removeChanges } from './tables/changes.ts';

const pruneIntervalMs = 10_000;
const retentionMs = 15 * 60 * 1000;
const pruneBatchSize = 5_000;

/**
 * Removes changes older than 15 minutes from the change log (`changes`, `change_counters`) of every generation, from time to time,
 * until the signal is aborted. Several processes may do so at once.
 */
export async function pruneChangesNowAndThen(sql: Sql, log: Logger, signal: AbortSignal): Promise<void> {
  const onFailure = (err: unknown) => log.warn({ err }, 'Old changes were not removed');
  await repeat({ everyMs: pruneIntervalMs, signal, onFailure }, async () => {
    const generations = await sql<{ generation: number }[]>`select generation from change_counters`;
    for (const { generation } of generations) {
      while (!signal.aborted && (await removeChanges(sql, generation, retentionMs, pruneBatchSize)) === pruneBatchSize);
    }
  });
}
