import type { Sql } from '@catalogue/postgres';
import { drainPieces, previewPieces } from '../consume/drain.ts';
import { againOnTakenRow } from '../tables/products.ts';
import { type Decide, inWords, only, standingInTheWay } from './discard-decisions.ts';
import { type DeliveredAgain, resumePiece } from './parked-piece.ts';
import { RefusedError } from './refused.ts';

/** What became of a product that waited. */
export interface Resumed {
  generation: number;
  /** Messages that wait no more. */
  released: number;
  /** What an operator decides to do without, in words. */
  discarded: string[];
  /** What it still waits for; undefined when nothing waits any more. */
  waitsFor: string | undefined;
}

/**
 * Tries again whatever waits of a product, in order, in every generation: a newer release may be able to read it. A piece at
 * a time, for which the product is locked; events that arrive meanwhile come after.
 */
export async function retryParked(sql: Sql, productId: string): Promise<Resumed[]> {
  return await resume(sql, productId, () => ({ discards: [] }), false);
}

export interface Discarding {
  /** Nothing is written: the answer is what would become of it. */
  dryRun: boolean;
  /** The id of an event that waits: only that one is done without. */
  eventId?: string | undefined;
}

/**
 * Does without what a product waits for: the events that are missing before the first that waits, or that first one, and
 * every message with its key that cannot be read; or without one event that waits and should never have been sent. It is
 * remembered, for this and all later generations, and what waited behind is applied.
 * @throws {RefusedError} when that event waits in no generation, or so many are missing that the version of the first is an
 * error.
 */
export async function discardParked(sql: Sql, productId: string, { dryRun, eventId }: Discarding): Promise<Resumed[]> {
  if (eventId === undefined) return await resume(sql, productId, standingInTheWay, dryRun);
  const resumed = await resume(sql, productId, only(eventId), dryRun);
  if (resumed.length === 0 || resumed.some(({ discarded }) => discarded.length > 0)) return resumed;
  throw new RefusedError(
    `No event ${eventId} of product ${productId} waits: "parked show" tells the ids of those that do`,
  );
}

async function resume(sql: Sql, productId: string, decide: Decide, dryRun: boolean): Promise<Resumed[]> {
  // The serving generation last: none that a switch may show next is behind it meanwhile.
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
  for (const scope of scopes) resumed.push(await resumeIn(sql, scope, productId, decide, dryRun));
  return resumed.toSorted((a, b) => a.generation - b.generation);
}

interface Scope {
  generation: number;
  topic: string;
}

async function resumeIn(sql: Sql, scope: Scope, productId: string, decide: Decide, dryRun: boolean): Promise<Resumed> {
  const { generation } = scope;
  const resumed: Resumed = { generation, released: 0, discarded: [], waitsFor: undefined };
  let piece: DeliveredAgain | undefined;
  do {
    const after = piece?.last;
    piece = await againOnTakenRow(() => resumePiece(sql, scope, productId, { decide, dryRun, after }));
    const drained = piece.folded.released.filter((message) => message.productId === productId);
    resumed.released += piece.released.length + drained.length;
    resumed.discarded.push(...piece.discards.map(inWords));
    resumed.waitsFor ??= piece.waitsFor;
  } while (!piece.isLast);
  const draining = { ...scope, productId };
  const pieces = dryRun ? previewPieces(sql, draining, piece) : drainPieces(sql, draining, piece.folded);
  for await (const { released, firsts } of pieces) {
    resumed.released += released.length;
    resumed.waitsFor = firsts.get(productId)?.detail;
  }
  return resumed;
}
