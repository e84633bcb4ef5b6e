import { type Sql, type Transaction, transact } from '@catalogue/postgres';
import { readWaiting, write } from './batch.ts';
import { drainPiece, isDraining } from './drain.ts';
import { type Folded, fold, type Read, read } from './fold.ts';
import {
  deleteParked,
  type FiledMessage,
  findWaiting,
  type ParkedMessage,
  placeOf,
  readDiscards,
  readUnread,
} from './parked.ts';
import { RefusedError } from '../rebuild/refused.ts';
import { type Product, unknownProduct } from './product.ts';
import type { Discard } from './projection.ts';
import { againOnTakenRow, insertMissing, lockProducts } from './rows.ts';

/** What waits of one product in one generation, and what for. */
export interface ParkedProduct {
  generation: number;
  productId: string;
  /** Messages that wait. */
  events: number;
  /** Of the first of them: what all wait for. */
  version: number | null;
  reason: ParkedMessage['reason'];
  detail: string;
  /** When the first began to wait. */
  since: Date;
}

export interface ParkedFilter {
  productId?: string;
  reason?: string;
  /** Parked before this. */
  before?: Date;
}

/** The products that wait, the longest first, at most `limit`. */
export async function listParked(sql: Sql, filter: ParkedFilter, limit: number): Promise<ParkedProduct[]> {
  const { productId = null, reason = null, before = null } = filter;
  return await sql<ParkedProduct[]>`
    select * from (
      select distinct on (generation, product_id)
        generation, product_id as "productId", (count(*) over product)::int as events, version, reason, detail,
        min(parked_at) over product as since
      from parked_events
      where ${productId}::text is null or product_id = ${productId}
      window product as (partition by generation, product_id)
      order by generation, product_id, version nulls first, partition, "offset"
    ) first
    where (${reason}::text is null or reason = ${reason})
      and (${before}::timestamptz is null or since < ${before})
    order by since, generation, "productId"
    limit ${limit}`;
}

/** Bytes of messages that are shown at most. */
const mostShownBytes = 16_000_000;

/**
 * The messages of a product that wait, in order, at most `limit` of them; what could not be read comes first. `waiting` counts
 * all of them.
 */
export async function showParked(
  sql: Sql,
  productId: string,
  limit = 1_000,
): Promise<(FiledMessage & { waiting: number })[]> {
  return await sql<(FiledMessage & { waiting: number })[]>`
    select generation, topic, partition, "offset", product_id as "productId", version, event_id as "eventId", type, reason,
      detail, message as value, traceparent, parked_at as "parkedAt", waiting
    from (
      select *, sum(coalesce(octet_length(message), 0))
          over (order by generation, version nulls first, topic, partition, "offset")
        - coalesce(octet_length(message), 0) as before
      from (
        select *, (count(*) over ())::int as waiting from parked_events where product_id = ${productId}
        order by generation, version nulls first, topic, partition, "offset" limit ${limit}
      ) page
    ) bounded
    where before < ${mostShownBytes}
    order by generation, version nulls first, topic, partition, "offset"`;
}

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
 * @throws {RefusedError} when that event does not wait, or so many are missing that the version of the first is an error.
 */
export async function discardParked(sql: Sql, productId: string, { dryRun, eventId }: Discarding): Promise<Resumed[]> {
  return await resume(sql, productId, eventId === undefined ? standingInTheWay : only(eventId), dryRun);
}

/** A piece of what waits of one product in one generation: all of it, where that is little. */
interface Piece {
  product: Product;
  /** Messages that could not be read, filed under its id. */
  unread: readonly ParkedMessage[];
  /** True when no more of those are to come, and the events that wait are looked at. */
  isLast: boolean;
  /** The first event that waits, of the last piece. */
  first: ParkedMessage | undefined;
  /** Looks for an event that waits. */
  find: (eventId: string) => Promise<ParkedMessage | undefined>;
}

/** What an operator does without, of a piece; `released` waits no more, though nothing comes before it. */
interface Decision {
  discards: Discard[];
  released?: ParkedMessage;
}

type Decide = (piece: Piece) => Promise<Decision> | Decision;

/** Events that can be missing before one whose version is to be believed. */
const mostMissing = 1_000;

function only(eventId: string): Decide {
  return async ({ product: { id }, isLast, find }) => {
    if (!isLast) return { discards: [] };
    const found = await find(eventId);
    if (found === undefined) {
      throw new RefusedError(
        `No event ${eventId} of product ${id} waits: "parked show" tells the ids of those that do`,
      );
    }
    return { discards: [{ version: found.version ?? 0, eventId }], released: found };
  };
}

function standingInTheWay({ product: { id, version }, unread, first }: Piece): Decision {
  const places = unread.map((it) => ({ version: 0, eventId: placeOf(it) }));
  if (first === undefined) return { discards: places };
  const next = first.version ?? 0;
  if (next <= version) return { discards: [...places, { version: next, eventId: first.eventId ?? '' }] };
  if (next - version - 1 > mostMissing) {
    throw new RefusedError(
      `${next - version - 1} events are missing before event ${first.eventId} of product ${id} at version ${next}: if that ` +
        `version is an error, do without that event alone (--event ${first.eventId})`,
    );
  }
  const missing = Array.from({ length: next - version - 1 }, (_, index) => version + 1 + index);
  const skipped = missing.length > 0 ? missing : [next];
  return { discards: [...places, ...skipped.map((it) => ({ version: it, eventId: '' }))] };
}

/** Ends a transaction without a trace. */
class DryRun extends Error {
  readonly delivered: DeliveredAgain;

  constructor(delivered: DeliveredAgain) {
    super('Nothing is written');
    this.delivered = delivered;
  }
}

async function resume(sql: Sql, productId: string, decide: Decide, dryRun: boolean): Promise<Resumed[]> {
  const scopes = await sql<Scope[]>`
    select generation, max(topic) as topic from parked_events where product_id = ${productId}
    group by generation order by generation`;
  const resumed: Resumed[] = [];
  for (const scope of scopes) resumed.push(await resumeIn(sql, scope, productId, decide, dryRun));
  return resumed;
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
  if (dryRun) return resumed;
  let { folded } = piece;
  while (isDraining(folded, productId)) {
    folded = await drainPiece(sql, { ...scope, productId });
    resumed.released += folded.released.length;
    resumed.waitsFor = folded.firsts.get(productId)?.detail;
  }
  return resumed;
}

interface ResumeOptions {
  decide: Decide;
  dryRun: boolean;
  /** The message that could not be read after which the piece begins. */
  after: FiledMessage | undefined;
}

async function resumePiece(
  sql: Sql,
  scope: Scope,
  productId: string,
  { dryRun, ...options }: ResumeOptions,
): Promise<DeliveredAgain> {
  try {
    return await transact(
      sql,
      async (tx) => {
        const delivered = await deliverAgain(tx, scope.generation, productId, options);
        if (dryRun) throw new DryRun(delivered);
        return delivered;
      },
      (tx, { discards, released, folded }) => [
        insertDiscards(tx, productId, discards),
        deleteParked(tx, scope.generation, released),
        ...write(tx, scope, folded),
      ],
    );
  } catch (error) {
    if (error instanceof DryRun) return error.delivered;
    throw error;
  }
}

interface DeliveredAgain {
  discards: Discard[];
  /** Beside those that the fold released. */
  released: ParkedMessage[];
  folded: Folded;
  isLast: boolean;
  /** The last message of the piece that could not be read. */
  last: FiledMessage | undefined;
  waitsFor: string | undefined;
}

/**
 * Folds messages that could not be read as if they had only now arrived, and then what waits of the product. One that is filed
 * under its key may turn out to be about another product: that one is locked and folded as it is.
 */
async function deliverAgain(
  tx: Transaction,
  generation: number,
  productId: string,
  { decide, after }: Omit<ResumeOptions, 'dryRun'>,
): Promise<DeliveredAgain> {
  const filed = await readUnread(tx, generation, productId, after);
  const subjects = new Set(readFiled(filed, productId).flatMap(subjectOf));
  const ids = [...new Set([productId, ...subjects])];
  // Without a row of its own nothing holds up a worker that applies the product's first event meanwhile.
  await insertMissing(tx, generation, [...subjects]);
  const [rows, discards, page] = await Promise.all([
    lockProducts(tx, generation, ids),
    readDiscards(tx, ids),
    readUnread(tx, generation, productId, after),
  ]);
  // What came since has to wait for another try where it is about a product that is not locked.
  const unread = page.filter((message) =>
    readFiled([message], productId)
      .flatMap(subjectOf)
      .every((id) => ids.includes(id)),
  );
  const isLast = page.length === (page[0]?.waiting ?? 0);
  const messages = readFiled(unread, productId);
  const products = new Map(rows.map((row) => [row.id, row]));
  const resumed = isLast ? [productId] : [];
  const queues = await readWaiting(tx, generation, products, messages, resumed);
  const queue = queues.get(productId) ?? [];
  const decided = await decide({
    product: products.get(productId) ?? unknownProduct(productId),
    unread,
    isLast,
    first: isLast ? queue[0] : undefined,
    find: (eventId) => findWaiting(tx, generation, productId, eventId),
  });
  queues.set(
    productId,
    queue.filter(({ eventId }) => eventId !== decided.released?.eventId),
  );
  discards.set(productId, [...(discards.get(productId) ?? []), ...decided.discards]);
  const folded = fold({ products, queues, discards }, messages, resumed);
  return { ...outcomeOf(unread, decided, folded, productId), isLast, last: page.at(-1) };
}

/** What is written of a piece: messages that could not be read and wait as they did are left as they are. */
function outcomeOf(
  unread: readonly FiledMessage[],
  { discards, released }: Decision,
  folded: Folded,
  productId: string,
) {
  const file = (message: ParkedMessage) => `${message.topic} ${placeOf(message)}`;
  const before = new Map(unread.map((message) => [file(message), message]));
  const still = new Set(folded.parked.map(file));
  const isNew = (message: ParkedMessage) => {
    const known = before.get(file(message));
    return known?.reason !== message.reason || known.detail !== message.detail;
  };
  const first = folded.firsts.get(productId);
  const [waiting] = [...folded.parked, ...(first === undefined ? [] : [first])].toSorted(byVersion);
  return {
    discards,
    released: [...unread.filter((message) => !still.has(file(message))), ...(released === undefined ? [] : [released])],
    folded: { ...folded, parked: folded.parked.filter(isNew) },
    waitsFor: waiting?.detail,
  };
}

function byVersion(a: ParkedMessage, b: ParkedMessage): number {
  return (a.version ?? 0) - (b.version ?? 0);
}

function readFiled(messages: readonly ParkedMessage[], productId: string): Read[] {
  return read(messages.map((message) => ({ ...message, key: productId })));
}

/** The product that a message is about, if it can be read. */
function subjectOf(message: Read): string[] {
  return 'productId' in message ? [message.productId] : [];
}

function inWords({ version, eventId }: Discard): string {
  if (version === 0) return `the message that cannot be read at ${eventId}`;
  return eventId === '' ? `version ${version}` : `event ${eventId} of version ${version}`;
}

async function insertDiscards(tx: Transaction, productId: string, discards: readonly Discard[]): Promise<void> {
  await tx`
    insert into discards (product_id, version, event_id, detail)
    select ${productId}, version, event_id, 'Discarded by an operator'
    from unnest(${discards.map(({ version }) => version)}::int[], ${discards.map(({ eventId }) => eventId)}::text[])
      as discard (version, event_id)
    on conflict do nothing`;
}
