import type { MessageBatch } from '@catalogue/kafka';
import { type Sql, type Transaction, transact } from '@catalogue/postgres';
import { discardsNeeded, eventKeyOf } from '../projection/discards-needed.ts';
import type { ParkedMessage } from '../projection/parked-message.ts';
import type { Product } from '../projection/product.ts';
import { keyOf, type Read } from '../projection/message.ts';
import type { Folded } from '../projection/outcome.ts';
import { projectBatch } from '../projection/project-batch.ts';
import { appendChanges } from '../tables/change-log.ts';
import { findDiscarded, readDiscards } from '../tables/discards.ts';
import { waitingBriefly } from '../tables/lock-waits.ts';
import { moveOffset, type OffsetScope, storeUnreadable } from '../tables/offsets.ts';
import { deleteParked, insertParked, readHeads, readQueues } from '../tables/parked-messages.ts';
import {
  againOnTakenRow,
  insertMissing,
  insertProducts,
  lockProducts,
  renameProducts,
  updateProducts,
} from '../tables/products.ts';
import { addWords, KnownWords } from '../tables/search-words.ts';
import { countUnreadable } from './unreadable.ts';

/** Another worker owns the partition now; nothing was written. */
export class NotOwnerError extends Error {}

/** How a batch moves its partition's offset: to `next`, or past its last message when that is absent. */
interface BatchStep extends Pick<MessageBatch, 'partition' | 'expected'>, Partial<Pick<MessageBatch, 'next'>> {
  /** The count from which `countAttempt` continues afterwards. */
  attempts?: number;
  /** An earlier try failed, maybe because of a lock: wait for locks only briefly. */
  isRetry?: boolean;
  /** Called at each answer of the database. */
  onAnswer?: () => void;
}

/**
 * Applies one batch of one partition in one transaction: it moves the offset from the expected value, and writes products,
 * parked messages and changes. Either all of it is written, once, or nothing.
 * @param accept is called before anything is written; if it throws, nothing is written.
 * @param words the search words known to be stored; the batch's new ones are added.
 * @throws {TopicFault} when too many messages in a row cannot be read.
 * @throws {NotOwnerError} when another owner moved the offset.
 */
export async function applyBatch(
  sql: Sql,
  scope: OffsetScope,
  { partition, expected, next: given, attempts = 0, isRetry = false, onAnswer = () => {} }: BatchStep,
  messages: readonly Read[],
  accept: (folded: Folded) => void = () => {},
  words = new KnownWords(),
): Promise<Folded> {
  const next = given ?? (messages.at(-1)?.origin.offset ?? expected - 1) + 1;
  let added: ReadonlySet<string> = new Set();
  const reading = (tx: Transaction) => readAndFold(tx, scope, { partition, expected, next, attempts }, messages);
  const once = () =>
    transact(
      sql,
      async (tx) => {
        const found = await (isRetry ? waitingBriefly(tx, () => reading(tx)) : reading(tx));
        accept(found.folded);
        added = newWords(found.folded, words);
        const { fates } = found.folded;
        return { ...found, unreadable: countUnreadable(found.unreadableBefore, expected, messages, fates) };
      },
      (tx, { folded, unreadable, unreadableBefore }) =>
        [
          ...(unreadable === unreadableBefore ? [] : [storeUnreadable(tx, scope, partition, unreadable)]),
          ...write(tx, scope, folded, added),
        ].map((written) => written.then(onAnswer)),
    );
  const { folded } = await againOnTakenRow(once);
  words.add(added);
  return folded;
}

async function readAndFold(
  tx: Transaction,
  scope: OffsetScope,
  { partition, ...offset }: { partition: number; expected: number; next: number; attempts: number },
  messages: readonly Read[],
): Promise<{ folded: Folded; unreadableBefore: number }> {
  const { generation } = scope;
  const { ids, needed } = productsIn(messages);
  // Sent together. The first statement waits for a concurrent owner, and so holds up the others.
  const [unreadableBefore, , rows, discarded] = await Promise.all([
    moveOffset(tx, scope, partition, offset),
    needed.length > 0 ? insertMissing(tx, generation, needed) : undefined,
    ids.length > 0 ? lockProducts(tx, generation, ids) : [],
    ids.length > 0 ? findDiscarded(tx, ids) : [],
  ]);
  if (unreadableBefore === undefined) throw new NotOwnerError();
  const products = new Map(rows.map((row) => [row.id, row]));
  const queues = await readWaiting(tx, generation, products, messages);
  const known = { products, queues, topicId: scope.topicId };
  const discards = await readDiscards(tx, discardsNeeded(discarded, known, messages));
  return { folded: projectBatch({ ...known, discards }, messages), unreadableBefore };
}

/**
 * Reads the queues of parked products. It loads messages only of queues that a message unblocks, and of `resumed` products, and at most as many as one transaction may release.
 */
export async function readWaiting(
  tx: Transaction,
  generation: number,
  products: ReadonlyMap<string, Product>,
  messages: readonly Read[],
  resumed: readonly string[] = [],
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
  if (loaded.size === 0) return queues;
  const heads = await readHeads(tx, generation, [...loaded]);
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

/** Sends the writes of a projected batch. The change log comes last, because batches of other partitions wait for it. */
export function write(
  tx: Transaction,
  scope: Pick<OffsetScope, 'generation' | 'topic'>,
  folded: Omit<Folded, 'fates' | 'firsts'>,
  words: ReadonlySet<string> = newWords(folded, new KnownWords()),
): Promise<void>[] {
  const { generation } = scope;
  const { created, renamed, changed, changes, parked, released } = folded;
  return [
    ...(created.length > 0 ? [insertProducts(tx, generation, created)] : []),
    ...(renamed.length > 0 ? [renameProducts(tx, generation, renamed)] : []),
    ...(changed.length > 0 ? [updateProducts(tx, generation, changed)] : []),
    ...(words.size > 0 ? [addWords(tx, words)] : []),
    ...(parked.length > 0 ? [insertParked(tx, scope, parked)] : []),
    ...(released.length > 0 ? [deleteParked(tx, generation, released)] : []),
    ...(changes.length > 0 ? [appendChanges(tx, generation, changes)] : []),
  ];
}

function newWords({ created, renamed }: Pick<Folded, 'created' | 'renamed'>, known: KnownWords): ReadonlySet<string> {
  return known.unknownIn([...created, ...renamed].flatMap(({ name }) => name ?? []));
}

/**
 * Opens a connection and prepares the statements of a batch by applying none. Updates are left out: they fail when the
 * generation's partition is gone, which the offsets have to detect.
 */
export async function prepareBatch(sql: Sql, scope: OffsetScope): Promise<void> {
  const { generation } = scope;
  await sql.begin((tx) =>
    Promise.all([
      moveOffset(tx, scope, -1, { expected: -1, next: -1 }),
      insertMissing(tx, generation, []),
      lockProducts(tx, generation, []),
      findDiscarded(tx, []),
      insertProducts(tx, generation, []),
      addWords(tx, new Set()),
      appendChanges(tx, generation, []),
    ]),
  );
}

/**
 * The products of a batch, and those that need a row before they are locked: with legacy messages, or before a product's first
 * event, two partitions may write one product at once. All others are inserted once, complete; if another transaction inserts
 * such a row meanwhile, the batch starts again.
 */
function productsIn(messages: readonly Read[]): { ids: string[]; needed: string[] } {
  const ids = new Set<string>();
  const needed = new Set<string>();
  for (const message of messages) {
    ids.add('productId' in message ? message.productId : keyOf(message.origin));
    if (!('productId' in message)) continue;
    const { kind, event } = message.decoded;
    if (kind === 'legacy' || (event.productVersion === 1 && event.type !== 'ProductCreated'))
      needed.add(message.productId);
  }
  return { ids: [...ids], needed: [...needed] };
}
