import type { Sql } from '@catalogue/postgres';
import { type Logger, repeat } from '@catalogue/service';
import type { Model } from './model.ts';
import { removeChanges } from './tables/changes.ts';

const pruneIntervalMs = 10_000;
const retentionMs = 15 * 60 * 1000;
const pruneBatchSize = 5_000;

/** Readers follow the model's changes: it has the tables `changes` and `change_counters` that `libs/reading` reads. */
export function hasChangeLog({ tables }: Model): boolean {
  return tables.some(({ name }) => name === 'changes');
}

/**
 * Removes changes older than 15 minutes from the change log of every generation, from time to time,
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
