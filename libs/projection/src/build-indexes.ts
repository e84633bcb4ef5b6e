import { connectBeside, type Sql } from '@catalogue/postgres';
import type { Generation } from '@catalogue/projection-schema';
import { type Logger, repeat } from '@catalogue/service';
import type { PatientDatabase } from './consume/retry.ts';
import type { Model } from './model.ts';
import { readMissing } from './tables/missing-events.ts';
import { type GenerationIndex, readUnbuilt } from './tables/unbuilt-indexes.ts';

const lookIntervalMs = 1_000;
/** Events. A generation that lacks no more has caught up: building its indexes takes longer than applying the rest. */
const maxMissing = 5_000;
/** An arbitrary number, the first key of the advisory lock of an index build. The second key is the generation. */
const buildLock = 730_550_123;

/** Builds the indexes of generations that are being filled, once they have caught up, until the signal is aborted. */
export async function buildIndexesNowAndThen(
  sql: Sql,
  database: PatientDatabase,
  model: Model,
  topic: string,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  if (model.indexes === undefined) return;
  const onFailure = (err: unknown) => log.warn({ err }, 'The indexes of a generation could not be built; trying again');
  await repeat({ everyMs: lookIntervalMs, signal, onFailure }, async () => {
    const generation = await database.try(signal, () => findCaughtUp(sql, model, topic));
    if (generation !== undefined) await buildIndexes(sql, model, generation, log, signal);
  });
}

/** The generation that is being filled, if it has caught up with the one that serves and lacks indexes. */
async function findCaughtUp(sql: Sql, model: Model, topic: string): Promise<number | undefined> {
  const rows = await sql<Pick<Generation, 'generation' | 'state'>[]>`
    select generation, state from generations where state in ('filling', 'serving')`;
  const to = rows.find(({ state }) => state === 'filling')?.generation;
  const from = rows.find(({ state }) => state === 'serving')?.generation;
  if (to === undefined || from === undefined || (await readUnbuilt(sql, model, to)).length === 0) return undefined;
  const missing = await readMissing(sql, { from, to, topic });
  return missing === undefined || missing > maxMissing ? undefined : to;
}

/**
 * Builds the missing indexes of a generation that readers do not see, one transaction each, so an interrupted build
 * leaves nothing behind. Batches of the generation wait meanwhile. If another process builds already, returns at once.
 */
export async function buildIndexes(
  sql: Sql,
  model: Model,
  generation: number,
  log: Pick<Logger, 'info'>,
  signal?: AbortSignal,
): Promise<void> {
  // With a million products an index takes seconds, for which the pool's connections do not wait.
  const beside = connectBeside(sql, { lock_timeout: 2_000, client_connection_check_interval: 1_000 });
  const stop = () => void beside.end({ timeout: 0 });
  signal?.addEventListener('abort', stop, { once: true });
  try {
    for (let built = true; built; ) built = await buildNext(beside, model, generation, log);
  } finally {
    signal?.removeEventListener('abort', stop);
    await beside.end({ timeout: 1 });
  }
}

/** Builds one index. Returns false if none is missing, or another process builds. */
async function buildNext(sql: Sql, model: Model, generation: number, log: Pick<Logger, 'info'>): Promise<boolean> {
  const begun = performance.now();
  const index = await sql.begin<GenerationIndex | undefined>(async (tx) => {
    const [lock] = await tx<{ taken: boolean }[]>`
      select pg_try_advisory_xact_lock(${buildLock}, ${generation}) as taken`;
    const [next] = lock?.taken === true ? await readUnbuilt(tx, model, generation) : [];
    if (next === undefined) return undefined;
    await tx`drop index if exists ${tx(next.name)}`;
    await tx.unsafe(`create index ${next.name} on ${next.table} ${next.definition}`);
    return next;
  });
  if (index === undefined) return false;
  const ms = Math.round(performance.now() - begun);
  log.info({ generation, index: index.name, ms }, 'Built an index of a generation that is being filled');
  return true;
}
