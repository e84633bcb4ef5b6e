import { setTimeout as delay } from 'node:timers/promises';
import type { Sql, Transaction } from '@catalogue/postgres';
import type { Generation } from '@catalogue/projection-schema';
import type { Model } from '../../model.ts';
import { type Between, readMissing } from '../../tables/missing-events.ts';
import { readUnbuilt } from '../../tables/unbuilt-indexes.ts';
import { RefusedError } from '../refused.ts';
import { briefly, NotYetError } from './brief.ts';

export interface Switch {
  /** The generation to show, and the state that it must be in. */
  to: number;
  state: Generation['state'];
  topic: string;
  /** Milliseconds of retries; 30 000 when absent. */
  within?: number;
}

/** Events. A generation that is further behind could not catch up while the serving one is held. */
const maxMissingBeforeHold = 5000;
/** Milliseconds for which the serving generation is held at most. */
const maxHoldMs = 500;

/**
 * Shows readers another generation, in one short transaction. Returns the one that served until then, which stays up to
 * date as `retired`. No reader sees a product go back: the serving generation is held until the other is as far in
 * every partition, has its indexes, and has released the parked events that the serving one has applied. The only
 * exception is a product whose events wait for an operator only in the other generation; the comparison before the
 * switch reports it.
 * @throws {RefusedError} if the other generation is not in the expected state, or is not as far in time.
 */
export async function switchGeneration(sql: Sql, model: Model, { to, state, topic, within }: Switch): Promise<number> {
  return await briefly(
    sql,
    async (tx) => {
      const from = await lockGenerations(tx, to, state);
      const missing = await behind(tx, { from, to, topic });
      if (missing > maxMissingBeforeHold)
        throw new NotYetError(`generation ${to} is ${missing} events behind generation ${from}`);
      await requireIndexes(tx, model, to);
      await waitForReleases(tx, model, { from, to });
      // Workers hold these locks for the duration of a batch; no reader waits for them.
      await tx`set local lock_timeout = '2s'`;
      await holdOffsets(tx, from, topic);
      await reach(tx, { from, to, topic });
      await holdOffsets(tx, to, topic);
      await waitForReleases(tx, model, { from, to });
      await tx`update generations set state = 'retired' where generation = ${from}`;
      await tx`update generations set state = 'serving' where generation = ${to}`;
      await tx`set local lock_timeout = '200ms'`;
      await model.serve(tx, to);
      return from;
    },
    within,
  );
}

/** Returns the serving generation. Locks its state and that of the other until the end of the transaction. */
async function lockGenerations(tx: Transaction, to: number, state: Generation['state']): Promise<number> {
  const rows = await tx<Pick<Generation, 'generation' | 'state'>[]>`
    select generation, state from generations where state = 'serving' or generation = ${to} order by generation for update`;
  const serving = rows.find((row) => row.state === 'serving');
  const found = rows.find((row) => row.generation === to)?.state ?? 'dropped';
  if (serving === undefined || found !== state) {
    throw new RefusedError(`Generation ${to} is ${found}, not ${state}: "rebuild status" shows all generations`);
  }
  return serving.generation;
}

/** @throws {NotYetError} while readers of the generation would miss an index. */
async function requireIndexes(tx: Transaction, model: Model, generation: number): Promise<void> {
  const unbuilt = await readUnbuilt(tx, model, generation);
  if (unbuilt.length === 0) return;
  const names = unbuilt.map(({ name }) => name).join(', ');
  throw new NotYetError(`the workers have not built these indexes of generation ${generation} yet: ${names}`);
}

/**
 * Parked events are released a piece at a time, without moving an offset. Until that ends, a product may be behind in a
 * generation that is as far in the topic. The locks on both generations prevent releases until the transaction ends.
 * @throws {NotYetError} while the generation to come shows such a product at an older version.
 */
async function waitForReleases(
  tx: Transaction,
  { tables: [rows] }: Model,
  { from, to }: Pick<Between, 'from' | 'to'>,
): Promise<void> {
  const [first] = await tx<{ products: number; id: string; version: number; shown: number }[]>`
    select (count(*) over ())::int as products, product_id as id, coming.version, shown.version as shown
    from parked_events waiting
    cross join lateral (
      select version from ${tx(rows.name)} where generation = ${from} and id = product_id limit 1
    ) shown
    cross join lateral (
      select version from ${tx(rows.name)} where generation = ${to} and id = product_id limit 1
    ) coming
    where waiting.generation = ${to} and draining and shown.version > coming.version
    order by id limit 1`;
  if (first === undefined) return;
  throw new NotYetError(
    `generation ${to} is still releasing the parked events of ${first.products} products that generation ${from} shows ` +
      `at a later version, such as ${first.id} (at version ${first.version}, shown at ${first.shown}). The workers release them: ` +
      'try again when "parked list" shows none that is being applied',
  );
}

/** Waits for running batches, and makes later ones wait for the end of the transaction. */
async function holdOffsets(tx: Transaction, generation: number, topic: string): Promise<void> {
  await tx`
    select from consumer_offsets where generation = ${generation} and topic = ${topic} order by partition for update`;
}

/** Waits until the other generation is as far as the one that is held. */
async function reach(tx: Transaction, between: Between): Promise<void> {
  const end = Date.now() + maxHoldMs;
  for (;;) {
    const missing = await behind(tx, between);
    if (missing === 0) return;
    if (Date.now() > end) throw new NotYetError(`generation ${between.to} is ${missing} events behind`);
    await delay(10);
  }
}

/** @throws {RefusedError} before a worker has begun to fill the other generation. */
async function behind(tx: Transaction, between: Between): Promise<number> {
  const missing = await readMissing(tx, between);
  if (missing === undefined)
    throw new RefusedError(`No worker has begun to fill generation ${between.to} from topic ${between.topic}`);
  return missing;
}
