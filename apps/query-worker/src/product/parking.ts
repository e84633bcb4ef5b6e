import { type Sql, type Transaction, transact } from '@catalogue/postgres';
import { write } from './batch.ts';
import { type Folded, fold, type Read, read } from './fold.ts';
import { type ParkedMessage, placeOf, readDiscards, readQueues } from './parked.ts';
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

export type ShownMessage = ParkedMessage & { generation: number; topic: string; parkedAt: Date };

/** Every message of a product that waits, in order; what could not be read comes first. */
export async function showParked(sql: Sql | Transaction, productId: string): Promise<ShownMessage[]> {
  return await sql<ShownMessage[]>`
    select generation, topic, partition, "offset", product_id as "productId", version, event_id as "eventId", type, reason,
      detail, message as value, traceparent, parked_at as "parkedAt"
    from parked_events where product_id = ${productId}
    order by generation, version nulls first, partition, "offset"`;
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
 * Tries again whatever waits of a product, in order, in every generation: a newer release may be able to read it.
 * The product is locked for that long; events that arrive meanwhile come after.
 */
export async function retryParked(sql: Sql, productId: string): Promise<Resumed[]> {
  return await resume(sql, productId, () => [], false);
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
  const decide: Decide =
    eventId === undefined ? standingInTheWay : (product, waiting) => only(eventId, product, waiting);
  return await resume(sql, productId, decide, dryRun);
}

/** What an operator does without, of a product and what waits of it in one generation. */
type Decide = (product: Product, waiting: readonly ParkedMessage[]) => Discard[];

/** Events that can be missing before one whose version is to be believed. */
const mostMissing = 1_000;

function only(eventId: string, { id }: Product, waiting: readonly ParkedMessage[]): Discard[] {
  const found = waiting.find((message) => message.eventId === eventId);
  if (found === undefined) {
    throw new RefusedError(`No event ${eventId} of product ${id} waits: "parked show" tells the ids of those that do`);
  }
  return [{ version: found.version ?? 0, eventId }];
}

function standingInTheWay({ id, version }: Product, waiting: readonly ParkedMessage[]): Discard[] {
  const unread = waiting
    .filter((message) => message.version === null)
    .map((it) => ({ version: 0, eventId: placeOf(it) }));
  const first = waiting.find((message) => message.version !== null);
  if (first === undefined) return unread;
  const next = first.version ?? 0;
  if (next <= version) return [...unread, { version: next, eventId: first.eventId ?? '' }];
  if (next - version - 1 > mostMissing) {
    throw new RefusedError(
      `${next - version - 1} events are missing before event ${first.eventId} of product ${id} at version ${next}: if that ` +
        `version is an error, do without that event alone (--event ${first.eventId})`,
    );
  }
  const missing = Array.from({ length: next - version - 1 }, (_, index) => version + 1 + index);
  const skipped = missing.length > 0 ? missing : [next];
  return [...unread, ...skipped.map((it) => ({ version: it, eventId: '' }))];
}

/** Ends a transaction without a trace. */
class DryRun extends Error {
  readonly outcome: Resumed;

  constructor(outcome: Resumed) {
    super('Nothing is written');
    this.outcome = outcome;
  }
}

async function resume(sql: Sql, productId: string, decide: Decide, dryRun: boolean): Promise<Resumed[]> {
  const scopes = await sql<{ generation: number; topic: string }[]>`
    select generation, max(topic) as topic from parked_events where product_id = ${productId}
    group by generation order by generation`;
  const resumed: Resumed[] = [];
  for (const scope of scopes) {
    resumed.push(await againOnTakenRow(() => resumeIn(sql, scope, productId, decide, dryRun)));
  }
  return resumed;
}

async function resumeIn(
  sql: Sql,
  scope: { generation: number; topic: string },
  productId: string,
  decide: Decide,
  dryRun: boolean,
): Promise<Resumed> {
  try {
    const found = await transact(
      sql,
      async (tx) => {
        const delivered = await deliverAgain(tx, scope.generation, productId, decide);
        if (dryRun) throw new DryRun(told(scope.generation, delivered));
        return delivered;
      },
      (tx, { discards, released, folded }) => [
        insertDiscards(tx, productId, discards),
        deletePlaces(tx, scope.generation, productId, released),
        ...write(tx, scope, folded),
      ],
    );
    return told(scope.generation, found);
  } catch (error) {
    if (error instanceof DryRun) return error.outcome;
    throw error;
  }
}

interface DeliveredAgain {
  discards: Discard[];
  released: ParkedMessage[];
  folded: Folded;
}

/**
 * Folds what waits as if it had only now arrived. A message that could not be read is filed under its key, and may turn out
 * to be about another product: that one is locked and folded as it is.
 */
async function deliverAgain(
  tx: Transaction,
  generation: number,
  productId: string,
  decide: Decide,
): Promise<DeliveredAgain> {
  const filed = (await showParked(tx, productId)).filter((message) => message.generation === generation);
  const subjects = new Set(readWaiting(filed, productId).flatMap(subjectOf));
  const ids = [...new Set([productId, ...subjects])];
  // Without a row of its own nothing holds up a worker that applies the product's first event meanwhile.
  await insertMissing(tx, generation, [...subjects]);
  const [rows, discards, all] = await Promise.all([
    lockProducts(tx, generation, ids),
    readDiscards(tx, ids),
    showParked(tx, productId),
  ]);
  // What came since has to wait for another try where it is about a product that is not locked.
  const waiting = all.filter(
    (message) =>
      message.generation === generation &&
      readWaiting([message], productId)
        .flatMap(subjectOf)
        .every((id) => ids.includes(id)),
  );
  const row = rows.find(({ id }) => id === productId);
  const product = { ...(row ?? unknownProduct(productId)), parked: false };
  const others = rows.filter(({ id }) => id !== productId);
  const decided = decide(product, waiting);
  const folded = fold(
    {
      products: new Map([...others, ...(row === undefined ? [] : [product])].map((it) => [it.id, it])),
      queues: await readQueues(
        tx,
        generation,
        others.flatMap(({ id, parked }) => (parked ? [id] : [])),
      ),
      discards: new Map(discards).set(productId, [...(discards.get(productId) ?? []), ...decided]),
    },
    readWaiting(waiting, productId),
  );
  // The flag is written also where nothing else has changed.
  const isWritten = [...folded.created, ...folded.renamed, ...folded.changed].some(({ id }) => id === productId);
  if (!isWritten && row !== undefined) folded.changed.push(product);
  const file = (message: ParkedMessage) => `${message.topic} ${placeOf(message)}`;
  const still = new Set(folded.parked.map(file));
  return { discards: decided, released: waiting.filter((message) => !still.has(file(message))), folded };
}

function readWaiting(messages: readonly ParkedMessage[], productId: string): Read[] {
  return read(messages.map((message) => ({ ...message, key: productId })));
}

/** The product that a message is about, if it can be read. */
function subjectOf(message: Read): string[] {
  return 'productId' in message ? [message.productId] : [];
}

function told(generation: number, { discards, released, folded }: DeliveredAgain): Resumed {
  const [first] = folded.parked.toSorted((a, b) => (a.version ?? 0) - (b.version ?? 0));
  const discarded = discards.map(({ version, eventId }) => {
    if (version === 0) return `the message that cannot be read at ${eventId}`;
    return eventId === '' ? `version ${version}` : `event ${eventId} of version ${version}`;
  });
  return { generation, released: released.length, discarded, waitsFor: first?.detail };
}

async function insertDiscards(tx: Transaction, productId: string, discards: readonly Discard[]): Promise<void> {
  await tx`
    insert into discards (product_id, version, event_id, detail)
    select ${productId}, version, event_id, 'Discarded by an operator'
    from unnest(${discards.map(({ version }) => version)}::int[], ${discards.map(({ eventId }) => eventId)}::text[])
      as discard (version, event_id)
    on conflict do nothing`;
}

async function deletePlaces(
  tx: Transaction,
  generation: number,
  productId: string,
  messages: readonly ParkedMessage[],
): Promise<void> {
  await tx`
    delete from parked_events
    using unnest(${messages.map(({ topic = '' }) => topic)}::text[], ${messages.map(({ partition }) => partition)}::int[],
      ${messages.map(({ offset }) => offset)}::bigint[]) as released (topic, partition, "offset")
    where generation = ${generation} and product_id = ${productId} and parked_events.topic = released.topic
      and parked_events.partition = released.partition and parked_events."offset" = released."offset"`;
}
