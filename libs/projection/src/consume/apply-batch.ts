import type { MessageBatch } from '@catalogue/kafka';
import { type Sql, type Transaction, transact } from '@catalogue/postgres';
import { discardsNeeded, eventKeyOf } from '../fold/discards-needed.ts';
import { keyOf, type Read } from '../fold/message.ts';
import type { Model, Tracked, Writes } from '../model.ts';
import type { Folded } from '../fold/outcome.ts';
import type { ParkedMessage } from '../fold/parked-message.ts';
import { projectBatch } from '../fold/project-batch.ts';
import { findDiscarded, readDiscards } from '../tables/discards.ts';
import { waitingBriefly } from '../tables/lock-waits.ts';
import { moveOffset, type OffsetScope, storeUnreadable } from '../tables/offsets.ts';
import { deleteParked, insertParked, readHeads, readQueues } from '../tables/parked-messages.ts';
import { retryIfRowTaken } from '../tables/taken-row.ts';
import { countUnreadable } from './unreadable.ts';

/** Another worker owns a partition now; nothing was written. */
export class NotOwnerError extends Error {}

/** Messages of one partition, in order. They move its offset to `next`; when absent, to the offset after the last one. */
export interface Part extends Pick<MessageBatch, 'partition' | 'expected'>, Partial<Pick<MessageBatch, 'next'>> {
  messages: readonly Read[];
  /** The count from which `changeAttempts` continues afterwards. */
  attempts?: number;
}

export interface ApplyOptions<Row> {
  /** An earlier try failed, maybe because of a lock: this one waits for locks only briefly. */
  isRetry?: boolean;
  /** The most parked messages that the transaction releases. */
  maxReleased?: number;
  /** Called at each answer of the database. */
  onAnswer?: () => void;
  /** Called before anything is written; if it throws, nothing is written. */
  accept?: (folded: Folded<Row>) => void;
}

/**
 * Applies a batch, which has messages of one or more partitions, in one transaction: it moves their offsets from the
 * expected values, and writes rows and parked messages. Either all of it is written, once, or nothing.
 * @param parts in the order of their partitions, so that two batches wait for each other's offsets instead of
 * deadlocking.
 * @returns the outcomes of the messages, in the order of the parts.
 * @throws {TopicFault} when too many messages in a row cannot be read.
 * @throws {NotOwnerError} when another owner moved an offset.
 */
export async function applyBatch<Row extends Tracked>(
  sql: Sql,
  model: Model<Row>,
  scope: OffsetScope,
  parts: readonly Part[],
  { isRetry = false, maxReleased, onAnswer = () => {}, accept = () => {} }: ApplyOptions<Row> = {},
): Promise<Folded<Row>> {
  let written: Writes | undefined;
  const reading = (tx: Transaction) => readAndFold(tx, model, scope, parts, maxReleased);
  const once = () =>
    transact(
      sql,
      async (tx) => {
        const found = await (isRetry ? waitingBriefly(tx, () => reading(tx)) : reading(tx));
        accept(found.folded);
        return { ...found, counted: countedIn(model, parts, found) };
      },
      (tx, { folded, counted }) => {
        const stored = counted.map(({ partition, unreadable }) => storeUnreadable(tx, scope, partition, unreadable));
        written = write(tx, model, scope, folded);
        return [...stored, ...written.sent].map((statement) => statement.then(onAnswer));
      },
    );
  const { folded } = await retryIfRowTaken(model, once);
  written?.committed?.();
  return folded;
}

interface Found<Row> {
  folded: Folded<Row>;
  /** For each part, the number of unreadable messages in a row before it. */
  unreadableBefore: number[];
}

async function readAndFold<Row extends Tracked>(
  tx: Transaction,
  model: Model<Row>,
  scope: OffsetScope,
  parts: readonly Part[],
  maxReleased: number | undefined,
): Promise<Found<Row>> {
  const { generation } = scope;
  const messages = parts.flatMap((part) => part.messages);
  const { ids, needed } = productsIn(model, messages);
  // Sent together. The first statement waits for a concurrent owner, and so holds up the others.
  const [moved, , rows, discarded] = await Promise.all([
    Promise.all(parts.map((part) => moveOffset(tx, scope, part.partition, { ...part, next: nextOf(part) }))),
    needed.length > 0 ? model.insertMissing(tx, generation, needed) : undefined,
    ids.length > 0 ? model.lock(tx, generation, ids) : [],
    ids.length > 0 ? findDiscarded(tx, ids) : [],
  ]);
  const unreadableBefore = moved.filter((unreadable) => unreadable !== undefined);
  if (unreadableBefore.length < parts.length) throw new NotOwnerError();
  const products = new Map(rows.map((row) => [row.id, row]));
  const queues = await readWaiting(tx, generation, products, messages, { maxReleased });
  const known = { products, queues, topicId: scope.topicId };
  const discards = await readDiscards(tx, discardsNeeded(discarded, known, messages));
  return { folded: projectBatch(model, { ...known, discards }, messages), unreadableBefore };
}

function nextOf({ expected, next, messages }: Part): number {
  return next ?? (messages.at(-1)?.origin.offset ?? expected - 1) + 1;
}

/** The new counts of unreadable messages in a row, for the partitions whose count changes. */
function countedIn(model: Model, parts: readonly Part[], { folded: { fates }, unreadableBefore }: Found<Tracked>) {
  let from = 0;
  return parts.flatMap(({ partition, expected, messages }, index) => {
    const ofPart = fates.slice(from, (from += messages.length));
    const before = unreadableBefore[index] ?? 0;
    const unreadable = countUnreadable(before, expected, messages, ofPart, model.name);
    return unreadable === before ? [] : [{ partition, unreadable }];
  });
}

/**
 * Reads the queues of parked products. Loads the content of messages only for queues that a message unblocks and for
 * `resumed` products: as many as one transaction may release, at most `maxReleased`. With 0, an unblocked queue is left
 * to `drainNowAndThen`.
 */
export async function readWaiting(
  tx: Transaction,
  generation: number,
  products: ReadonlyMap<string, Tracked>,
  messages: readonly Read[],
  { resumed = [], maxReleased }: { resumed?: readonly string[]; maxReleased?: number | undefined } = {},
): Promise<Map<string, ParkedMessage[]>> {
  const waiting = [...products.values()].flatMap(({ id, parked }) => (parked ? [id] : []));
  if (waiting.length === 0 && resumed.length === 0) return new Map();
  const isWaiting = new Set(waiting);
  const sought = messages.flatMap(eventKeyOf).filter(({ productId }) => isWaiting.has(productId));
  const queues = await readQueues(tx, generation, waiting, sought);
  const open = sought.filter(({ productId, version }) => {
    const first = queues.get(productId)?.[0]?.version ?? 0;
    return version > (products.get(productId)?.version ?? 0) && version < first;
  });
  const loaded = new Set([...resumed, ...open.map(({ productId }) => productId)]);
  if (loaded.size === 0 || maxReleased === 0) return queues;
  const heads = await readHeads(tx, generation, [...loaded], { most: maxReleased });
  for (const [id, head] of heads) queues.set(id, joined(head, queues.get(id) ?? []));
  return queues;
}

/** Both lists in order, without repetitions. */
function joined(head: readonly ParkedMessage[], others: readonly ParkedMessage[]): ParkedMessage[] {
  const place = ({ topic, partition, offset }: ParkedMessage) => `${topic} ${partition} ${offset}`;
  const known = new Set(head.map(place));
  const beyond = others.filter((message) => !known.has(place(message)));
  return [...head, ...beyond].toSorted((a, b) => (a.version ?? 0) - (b.version ?? 0));
}

/** Sends the writes of a projected batch. Those of the model come last: other batches may wait for its last one. */
export function write<Row extends Tracked>(
  tx: Transaction,
  model: Model<Row>,
  { generation, topic }: Pick<OffsetScope, 'generation' | 'topic'>,
  { parked, released, ...effects }: Omit<Folded<Row>, 'fates' | 'firsts'>,
): Writes {
  const queued = [
    ...(parked.length > 0 ? [insertParked(tx, { generation, topic }, parked)] : []),
    ...(released.length > 0 ? [deleteParked(tx, generation, released)] : []),
  ];
  const { sent, ...writes } = model.write(tx, generation, effects);
  return { ...writes, sent: [...queued, ...sent] };
}

/**
 * Opens a connection, and prepares the statements of a batch by running them without messages. Leaves out updates: they
 * fail if the generation was dropped, which has to be detected by its offsets.
 */
export async function prepareBatch(sql: Sql, model: Model, scope: OffsetScope): Promise<void> {
  const { generation } = scope;
  await sql.begin((tx) =>
    Promise.all([
      moveOffset(tx, scope, -1, { expected: -1, next: -1 }),
      model.insertMissing(tx, generation, []),
      model.lock(tx, generation, []),
      findDiscarded(tx, []),
      ...(model.prepare?.(tx, generation) ?? []),
    ]),
  );
}

/**
 * The products of a batch, and those of them that need a row before they can be locked: two partitions may write one
 * product at once, by legacy messages or before its first event. All others are inserted once, complete; if another
 * transaction inserts such a row meanwhile, the batch starts again. In a model without a merge, legacy messages touch
 * no product.
 */
function productsIn({ legacy }: Pick<Model, 'legacy'>, messages: readonly Read[]): { ids: string[]; needed: string[] } {
  const ids = new Set<string>();
  const needed = new Set<string>();
  for (const message of messages) {
    if (!('productId' in message)) {
      ids.add(keyOf(message.origin));
      continue;
    }
    const { kind, event } = message.decoded;
    if (kind === 'legacy' && legacy === undefined) continue;
    ids.add(message.productId);
    if (kind === 'legacy' || (event.productVersion === 1 && event.type !== 'ProductCreated'))
      needed.add(message.productId);
  }
  return { ids: [...ids], needed: [...needed] };
}
