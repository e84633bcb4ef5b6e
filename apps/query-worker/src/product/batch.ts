import type { MessageBatch } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import { moveOffset, type OffsetScope } from '../offsets.ts';
import { type Folded, fold, type Read } from './fold.ts';
import { insertMissing, lockProducts, writeProducts } from './rows.ts';

/** Somebody else applies the partition now: nothing was written. */
export class NotOwnerError extends Error {}

/** What became of a batch: the fate of its messages, and where the partition goes on. */
export interface Applied {
  folded: Folded;
  next: number;
}

/**
 * Applies one batch of one partition in one transaction: the partition's offset, moved only from where it is expected,
 * and the products. Whatever else happens, either both are written, once, or neither.
 * @throws {NotOwnerError} when the offset is not where this owner left it.
 */
export async function applyBatch(
  sql: Sql,
  scope: OffsetScope,
  { partition, expected }: Pick<MessageBatch, 'partition' | 'expected'>,
  messages: readonly Read[],
): Promise<Applied> {
  const last = messages.at(-1);
  if (last === undefined) return { folded: { changed: [], fates: [] }, next: expected };
  return await sql.begin(async (tx) => {
    const { generation } = scope;
    const { ids, needed } = productsIn(messages);
    // Sent together. The first waits until whoever moves the offset now has ended, and so holds up the others.
    const [owned, , rows] = await Promise.all([
      moveOffset(tx, scope, partition, { expected, next: last.offset + 1 }),
      needed.length > 0 ? insertMissing(tx, generation, needed) : undefined,
      ids.length > 0 ? lockProducts(tx, generation, ids) : [],
    ]);
    if (!owned) throw new NotOwnerError();
    const folded = fold(new Map(rows.map((row) => [row.id, row])), messages);
    const next = folded.blocked?.offset ?? last.offset + 1;
    await Promise.all([
      folded.blocked && moveOffset(tx, scope, partition, { expected: last.offset + 1, next }),
      folded.changed.length > 0 ? writeProducts(tx, generation, folded.changed) : undefined,
    ]);
    return { folded, next };
  });
}

/** Applies nothing: a connection is there and knows the statements of a batch before the first one comes. */
export async function prepareBatch(sql: Sql, scope: OffsetScope): Promise<void> {
  const { generation } = scope;
  await sql.begin((tx) =>
    Promise.all([
      moveOffset(tx, scope, -1, { expected: -1, next: -1 }),
      insertMissing(tx, generation, []),
      lockProducts(tx, generation, []),
      writeProducts(tx, generation, []),
    ]),
  );
}

/**
 * The products of a batch, and those of them whose rows have to be there before they are locked: two partitions may say
 * something about one product at once only with legacy messages, or before its first event. The others are written once,
 * by their creation, instead of empty and then again.
 */
function productsIn(messages: readonly Read[]): { ids: string[]; needed: string[] } {
  const ids = new Set<string>();
  const needed = new Set<string>();
  for (const message of messages) {
    if (!('productId' in message)) continue;
    ids.add(message.productId);
    const { kind, event } = message.decoded;
    if (kind === 'legacy' || (event.productVersion === 1 && event.type !== 'ProductCreated'))
      needed.add(message.productId);
  }
  return { ids: [...ids], needed: [...needed] };
}
