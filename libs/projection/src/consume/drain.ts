import { hinter, isStatementTimeout, type Sql, type Transaction, transact } from '@catalogue/postgres';
import { changesAppended } from '@catalogue/projection-schema';
import { type Logger, repeat } from '@catalogue/service';
import { discardsNeeded } from '../fold/discards-needed.ts';
import type { ParkedMessage } from '../fold/parked-message.ts';
import type { Model, Tracked, Writes } from '../model.ts';
import type { Folded } from '../fold/outcome.ts';
import { projectBatch } from '../fold/project-batch.ts';
import type { Discard } from '../fold/project-event.ts';
import { findDiscarded, readDiscards } from '../tables/discards.ts';
import { holdGeneration } from '../tables/generation-hold.ts';
import { waitingBriefly } from '../tables/lock-waits.ts';
import { maxReleased, readHeads } from '../tables/parked-messages.ts';
import { write } from './apply-batch.ts';
import type { PatientDatabase } from './retry.ts';

/** A product with more applicable messages than one transaction may apply. */
export interface Draining {
  generation: number;
  topic: string;
  productId: string;
}

/**
 * Applies the next piece of a product's queue in one transaction that locks the product's row, so that batches of its
 * partition wait for one piece only. A piece that was interrupted is applied again.
 */
export async function drainPiece<Row extends Tracked>(
  sql: Sql,
  model: Model<Row>,
  { generation, topic, productId }: Draining,
  { waitsBriefly = false, most = maxReleased } = {},
): Promise<Folded<Row>> {
  let written: Writes | undefined;
  const readPiece = async (tx: Transaction) => {
    const [, rows, discarded, queues] = await Promise.all([
      holdGeneration(tx, generation),
      model.lock(tx, generation, [productId]),
      findDiscarded(tx, [productId]),
      readHeads(tx, generation, [productId], { most }),
    ]);
    const known = { products: new Map(rows.map((row) => [row.id, row])), queues };
    const discards = await readDiscards(tx, discardsNeeded(discarded, known, []));
    return projectBatch(model, { ...known, discards }, [], [productId]);
  };
  const drained = await transact(
    sql,
    (tx) => (waitsBriefly ? waitingBriefly(tx, () => readPiece(tx)) : readPiece(tx)),
    (tx, folded) => (written = write(tx, model, { generation, topic }, folded)).sent,
  );
  written?.committed?.();
  return drained;
}

/** Applies the rest of a product's queue after `folded` was written, as far as possible. */
export async function* drainPieces<Row extends Tracked>(
  sql: Sql,
  model: Model<Row>,
  draining: Draining,
  folded: Folded<Row>,
): AsyncGenerator<Folded<Row>> {
  for (let last = folded; isDraining(last, draining.productId); yield last) {
    last = await drainPiece(sql, model, draining);
  }
}

/** As `drainPieces`, after a piece that is not written, and writes nothing itself. */
export async function* previewPieces<Row extends Tracked>(
  sql: Sql,
  model: Model<Row>,
  { generation, productId }: Draining,
  { product, discards, folded }: { product: Row; discards: readonly Discard[]; folded: Folded<Row> },
): AsyncGenerator<Folded<Row>> {
  // The first piece is past all discarded versions, so only single discarded events have to be left out of the rest.
  const isDiscarded = ({ version, eventId }: ParkedMessage) =>
    discards.some((discard) => discard.version === version && discard.eventId === eventId);
  const products = new Map([[productId, product]]);
  for (let last = folded; isDraining(last, productId); yield last) {
    const row = last.rows.find(({ after }) => after.id === productId);
    if (row !== undefined) products.set(productId, row.after);
    const heads = await readHeads(sql, generation, [productId], { from: last.firsts.get(productId) });
    const queue = (heads.get(productId) ?? []).filter((message) => !isDiscarded(message));
    const known = { products, queues: new Map([[productId, queue]]) };
    const stored = await readDiscards(sql, discardsNeeded([productId], known, []));
    last = projectBatch(model, { ...known, discards: stored }, [], [productId]);
  }
}

/** True while more of the product's queue can be applied. */
export function isDraining({ firsts }: Pick<Folded<Tracked>, 'firsts'>, productId: string): boolean {
  return firsts.get(productId)?.draining ?? false;
}

const lookIntervalMs = 1_000;
const pageSize = 100;

/** Applies the queues of draining products, piece by piece, until `signal` is aborted. Several workers may do so at once. */
export async function drainNowAndThen(
  sql: Sql,
  database: PatientDatabase,
  model: Model,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const hint = hinter(sql, changesAppended, 10);
  const onFailure = (err: unknown) => log.warn({ err }, 'Products with waiting events could not be read');
  // The most messages of a piece, for products whose larger pieces took too long. It never grows until the queue is empty.
  const sizes = new Map<string, number>();
  const drain = async (product: Draining): Promise<boolean> => {
    const { generation, productId } = product;
    const most = sizes.get(nameOf(product)) ?? maxReleased;
    try {
      // Products take turns: a locked one is tried again in the next round.
      const folded = await drainPiece(sql, model, product, { waitsBriefly: true, most });
      hint(String(generation));
      const more = isDraining(folded, productId);
      log.info({ generation, productId, released: folded.released.length, more }, 'Applied waiting events');
      return more;
    } catch (err) {
      if (isStatementTimeout(err)) sizes.set(nameOf(product), Math.ceil(most / 2));
      if (!signal.aborted) log.warn({ err, generation, productId }, 'Waiting events were not applied; trying again');
      return false;
    }
  };
  const drainAll = async () => {
    const met = new Set<string>();
    let more = true;
    while (more) {
      more = false;
      for await (const product of findDraining(sql)) {
        met.add(nameOf(product));
        if (!signal.aborted && (await drain(product))) more = true;
      }
    }
    for (const name of sizes.keys()) if (!met.has(name)) sizes.delete(name);
  };
  await repeat({ everyMs: lookIntervalMs, signal, onFailure }, () => database.try(signal, drainAll));
}

const nameOf = ({ generation, productId }: Draining) => `${generation} ${productId}`;

/** All draining products, one piece each in turn, so that a long or failing one does not hold up the others. */
async function* findDraining(sql: Sql): AsyncGenerator<Draining> {
  let last: Pick<Draining, 'generation' | 'productId'> | undefined = { generation: 0, productId: '' };
  while (last !== undefined) {
    const page: Draining[] = await sql<Draining[]>`
      select generation, topic, product_id as "productId" from parked_events
      where draining and (generation, product_id) > (${last.generation}, ${last.productId})
        and generation in (select generation from generations where state <> 'dropped')
      order by generation, product_id limit ${pageSize}`;
    yield* page;
    last = page.length === pageSize ? page.at(-1) : undefined;
  }
}
