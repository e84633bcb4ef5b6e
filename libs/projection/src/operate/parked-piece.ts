import { isRefusedValue, type Sql, type Transaction, transact } from '@catalogue/postgres';
import { readWaiting, write } from '../consume/apply-batch.ts';
import { discardsNeeded } from '../fold/discards-needed.ts';
import type { Model, Tracked, Writes } from '../model.ts';
import { type FiledMessage, type ParkedMessage, placeOf } from '../fold/parked-message.ts';
import type { Read } from '../fold/message.ts';
import type { Folded } from '../fold/outcome.ts';
import { projectBatch } from '../fold/project-batch.ts';
import type { Discard } from '../fold/project-event.ts';
import { insertDiscards, readDiscards } from '../tables/discards.ts';
import { holdGeneration } from '../tables/generation-hold.ts';
import type { OffsetScope } from '../tables/offsets.ts';
import { TooMuchAtOnce } from '../too-much-at-once.ts';
import { deleteParked, findWaiting, maxReleased, readUnread } from '../tables/parked-messages.ts';
import type { Decide, Decision } from './discard-decisions.ts';
import type { ReadAgain } from './read-again.ts';

export interface ResumeOptions {
  decide: Decide;
  dryRun: boolean;
  reading: ReadAgain;
  /** The unreadable message after which the piece begins. */
  after: FiledMessage | undefined;
}

interface PieceOptions extends ResumeOptions {
  /** The most unreadable messages. */
  most: number;
  /** Why PostgreSQL refused the piece together with the queue: now the piece ends before the queue. */
  beforeQueue: Error | undefined;
  /** Why PostgreSQL refuses a value of the piece's only message. */
  refusal: Error | undefined;
}

/**
 * Retries a piece of a product's queue in one transaction that locks the product: some of its unreadable messages, and
 * after the last of them the first waiting events. Halves a piece with a value that PostgreSQL refuses, down to a
 * single message; if that message is refused without the queue, too, it stays unreadable. Also halves a piece with too
 * many products.
 * @throws the error of PostgreSQL if it refuses the queue.
 */
export async function resumePiece<Row extends Tracked>(
  sql: Sql,
  model: Model<Row>,
  scope: Pick<OffsetScope, 'generation' | 'topic'>,
  productId: string,
  options: ResumeOptions,
): Promise<DeliveredAgain<Row>> {
  let most = maxReleased;
  let beforeQueue: Error | undefined;
  let refusal: Error | undefined;
  // Before the transaction: a schema registry may take seconds to answer.
  const { reading, after } = options;
  if (reading.needsSchemas) await reading.prepare(await readUnread(sql, scope.generation, productId, after, most));
  for (;;) {
    try {
      return await resumeOnce(sql, model, scope, productId, { ...options, most, beforeQueue, refusal });
    } catch (error) {
      if (error instanceof TooMuchAtOnce && most > 1) {
        most = Math.ceil(most / 2);
        continue;
      }
      if (!isRefusedValue(error) || refusal !== undefined || error === beforeQueue) throw error;
      if (most > 1) most = Math.ceil(most / 2);
      else if (beforeQueue === undefined) beforeQueue = error as Error;
      else refusal = error as Error;
    }
  }
}

async function resumeOnce<Row extends Tracked>(
  sql: Sql,
  model: Model<Row>,
  scope: Pick<OffsetScope, 'generation' | 'topic'>,
  productId: string,
  { dryRun, ...options }: PieceOptions,
): Promise<DeliveredAgain<Row>> {
  let written: Writes | undefined;
  try {
    const done = await transact(
      sql,
      async (tx) => {
        const delivered = await deliverAgain(tx, model, scope.generation, productId, options);
        if (dryRun) throw new DryRun(delivered);
        return delivered;
      },
      (tx, { released, folded }) => {
        const deleted = deleteParked(tx, scope.generation, released);
        written = write(tx, model, scope, folded);
        return [deleted, ...written.sent];
      },
    );
    written?.committed?.();
    return done;
  } catch (error) {
    if (error instanceof DryRun) return error.delivered as DeliveredAgain<Row>;
    throw error;
  }
}

export interface DeliveredAgain<Row> {
  /** The product before the piece. */
  product: Row;
  discards: Discard[];
  /** Messages that no longer wait, besides those that the projection released. */
  released: ParkedMessage[];
  folded: Folded<Row>;
  isLast: boolean;
  /** The piece's last unreadable message. */
  last: FiledMessage | undefined;
  waitsFor: string | undefined;
}

/**
 * Projects unreadable messages as if they had just arrived, and then the product's queue. A message that is filed under
 * its key may turn out to be about another product, which is locked and projected as well.
 */
async function deliverAgain<Row extends Tracked>(
  tx: Transaction,
  model: Model<Row>,
  generation: number,
  productId: string,
  { decide, reading, after, most, beforeQueue, refusal }: Omit<PieceOptions, 'dryRun'>,
): Promise<DeliveredAgain<Row>> {
  const readAgain = (filed: readonly ParkedMessage[]) => reading.read(productId, filed, refusal);
  await holdGeneration(tx, generation);
  const filed = await readUnread(tx, generation, productId, after, most);
  if (beforeQueue !== undefined && filed.length === 0) throw beforeQueue;
  const subjects = new Set(readAgain(filed).flatMap(subjectOf));
  const ids = [...new Set([productId, ...subjects])];
  // Without a row there is nothing to lock, and a worker could apply the product's first event meanwhile.
  await model.insertMissing(tx, generation, [...subjects]);
  const [rows, page] = await Promise.all([
    model.lock(tx, generation, ids),
    readUnread(tx, generation, productId, after, most),
  ]);
  // Messages about a product that is not locked wait for a later retry.
  const unread = page.filter((message) =>
    readAgain([message])
      .flatMap(subjectOf)
      .every((id) => ids.includes(id)),
  );
  const isLast = beforeQueue === undefined && page.length === (page[0]?.waiting ?? 0);
  const messages = readAgain(unread);
  const products = new Map(rows.map((row) => [row.id, row]));
  const resumed = isLast ? [productId] : [];
  const queues = await readWaiting(tx, generation, products, messages, { resumed, maxReleased: beforeQueue && 0 });
  const queue = queues.get(productId) ?? [];
  const product = products.get(productId) ?? model.empty(productId);
  const decided = await decide({
    product,
    unread,
    isLast,
    first: isLast ? queue[0] : undefined,
    find: (eventId) => findWaiting(tx, generation, productId, eventId),
  });
  queues.set(
    productId,
    queue.filter(({ eventId }) => eventId !== decided.released?.eventId),
  );
  await insertDiscards(tx, productId, decided.discards);
  const known = { products, queues };
  const discards = await readDiscards(tx, discardsNeeded(ids, known, messages));
  const folded = projectBatch(model, { ...known, discards }, messages, resumed);
  return { ...outcomeOf(unread, decided, folded, { productId, reading }), product, isLast, last: page.at(-1) };
}

/** The changes to write: unreadable messages that stay unreadable are left alone. */
function outcomeOf<Row>(
  unread: readonly FiledMessage[],
  { discards, released }: Decision,
  folded: Folded<Row>,
  { productId, reading }: { productId: string; reading: ReadAgain },
) {
  const file = (message: ParkedMessage) => `${message.topic} ${placeOf(message)}`;
  const before = new Map(unread.map((message) => [file(message), message]));
  const still = new Set(folded.parked.map(file));
  const isNew = (message: ParkedMessage) => {
    if (message.reason === 'unreadable' && reading.lacksSchema(message)) return false;
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

/** The product of a message, if it can be read. */
function subjectOf(message: Read): string[] {
  return 'productId' in message ? [message.productId] : [];
}

/** Rolls the transaction back. */
class DryRun extends Error {
  readonly delivered: DeliveredAgain<Tracked>;

  constructor(delivered: DeliveredAgain<Tracked>) {
    super('Nothing is written');
    this.delivered = delivered;
  }
}
