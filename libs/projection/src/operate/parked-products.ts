import type { Sql } from '@catalogue/postgres';
import { drainPieces, previewPieces } from '../consume/drain.ts';
import type { Model, Tracked } from '../model.ts';
import { retryIfRowTaken } from '../tables/taken-row.ts';
import { type Decide, discardBlockers, inWords, only } from './discard-decisions.ts';
import { type DeliveredAgain, resumePiece } from './parked-piece.ts';
import { ReadAgain } from './read-again.ts';
import { RefusedError } from './refused.ts';

/** The result of a retry or discard for one product. */
export interface Resumed {
  generation: number;
  /** Messages that no longer wait. */
  released: number;
  /** What was discarded, in words. */
  discarded: string[];
  /** What the product still waits for; undefined when nothing waits. */
  waitsFor: string | undefined;
}

/**
 * Retries a product's queue in order, in every generation, since a newer release may be able to read it. Each piece is
 * a transaction that locks the product; events that arrive meanwhile come after it.
 */
export async function retryParked(
  sql: Sql,
  model: Model,
  productId: string,
  reading = new ReadAgain(),
): Promise<Resumed[]> {
  return await resume(sql, model, productId, { reading, decide: () => ({ discards: [] }), dryRun: false });
}

export interface Discarding {
  /** Write nothing; the result is what a discard would do. */
  dryRun: boolean;
  /** The id of the only event to discard. */
  eventId?: string | undefined;
  /** How unreadable messages are read again; as JSON when absent. */
  reading?: ReadAgain | undefined;
}

/**
 * Discards what blocks a product: the events that are missing before its first parked one, or else that one, and every
 * unreadable message with the product's key. With `eventId`, discards only that event. The discards hold for all
 * present and later generations. Then applies the events behind them.
 * @throws {RefusedError} if no generation has that event, or if so many versions are missing that the version of the
 * first parked event must be wrong.
 */
export async function discardParked(
  sql: Sql,
  model: Model,
  productId: string,
  { dryRun, eventId, reading = new ReadAgain() }: Discarding,
): Promise<Resumed[]> {
  if (eventId === undefined) return await resume(sql, model, productId, { reading, decide: discardBlockers, dryRun });
  const resumed = await resume(sql, model, productId, { reading, decide: only(eventId), dryRun });
  if (resumed.length === 0 || resumed.some(({ discarded }) => discarded.length > 0)) return resumed;
  throw new RefusedError(
    `No event ${eventId} of product ${productId} waits: "parked show" shows the ids of the events that do`,
  );
}

interface Resuming {
  reading: ReadAgain;
  decide: Decide;
  dryRun: boolean;
}

async function resume(sql: Sql, model: Model, productId: string, resuming: Resuming): Promise<Resumed[]> {
  // The serving generation last, so that readers never see a product go back after a switch.
  const scopes = await sql<Scope[]>`
    select generations.generation, waiting.topic
    from generations
    cross join lateral (
      select max(topic) as topic from parked_events
      where parked_events.generation = generations.generation and product_id = ${productId}
    ) waiting
    where waiting.topic is not null
    order by state = 'serving', generations.generation`;
  const resumed: Resumed[] = [];
  for (const scope of scopes) resumed.push(await resumeIn(sql, model, scope, productId, resuming));
  return resumed.toSorted((a, b) => a.generation - b.generation);
}

interface Scope {
  generation: number;
  topic: string;
}

async function resumeIn(
  sql: Sql,
  model: Model,
  scope: Scope,
  productId: string,
  { reading, decide, dryRun }: Resuming,
): Promise<Resumed> {
  const { generation } = scope;
  const resumed: Resumed = { generation, released: 0, discarded: [], waitsFor: undefined };
  let piece: DeliveredAgain<Tracked> | undefined;
  do {
    const after = piece?.last;
    const options = { decide, dryRun, reading, after };
    piece = await retryIfRowTaken(model, () => resumePiece(sql, model, scope, productId, options));
    const drained = piece.folded.released.filter((message) => message.productId === productId);
    resumed.released += piece.released.length + drained.length;
    resumed.discarded.push(...piece.discards.map(inWords));
    resumed.waitsFor ??= piece.waitsFor;
  } while (!piece.isLast);
  const draining = { ...scope, productId };
  const pieces = dryRun ? previewPieces(sql, model, draining, piece) : drainPieces(sql, model, draining, piece.folded);
  for await (const { released, firsts } of pieces) {
    resumed.released += released.length;
    resumed.waitsFor = firsts.get(productId)?.detail;
  }
  return resumed;
}
