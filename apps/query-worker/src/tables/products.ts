import type { Transaction } from '@catalogue/postgres';
import { columnsOf, productColumns, type ProductField, productFields } from '@catalogue/read-schema';
import type { Product } from '../projection/product.ts';
import { arraysOf, assignmentsOf, valuesOf } from './product-parameters.ts';

/** All fields but the key. */
const writtenFields = productFields.filter((field) => field !== 'id');
/** All fields but key and name. */
const unnamedFields = writtenFields.filter((field) => field !== 'name');

/** The selected columns: times as text, because postgres.js cuts their microseconds. */
const readColumns = productFields
  .map((field) => {
    const { name, type } = productColumns[field];
    const value = type === 'timestamptz' ? `(${name} at time zone 'UTC')::text` : name;
    return name === field ? value : `${value} as "${field}"`;
  })
  .join(', ');

/** Inserts empty rows for products that have none, because an absent row cannot be locked. */
export async function insertMissing(sql: Transaction, generation: number, ids: readonly string[]): Promise<void> {
  await sql`
    insert into products (generation, id)
    select ${generation}, id from unnest(${ids}::text[]) id order by id collate "C"
    on conflict do nothing`;
}

/**
 * Reads and locks the rows of these products in the order of their ids. Each id is a separate index lookup: with `id =
 * any(…)` PostgreSQL 15 and 16 read the whole generation, 12 to 20 ms at 5 000 rows, when the table has grown since it
 * was analysed. The limit keeps the planner from another join.
 */
export async function lockProducts(sql: Transaction, generation: number, ids: readonly string[]): Promise<Product[]> {
  return await sql<Product[]>`
    select ${sql.unsafe(readColumns)}
    from (select id as wanted from unnest(${ids}::text[]) id order by id collate "C") wanted
    cross join lateral (
      select * from products where generation = ${generation} and id = wanted limit 1 for update
    ) product`;
}

/**
 * Inserts the rows of new products in the order of their ids, so that two concurrent transactions wait for each other
 * instead of deadlocking. Fails as a whole if another transaction has inserted one of them: an upsert would overwrite a
 * row that this transaction never read.
 */
export async function insertProducts(sql: Transaction, generation: number, rows: readonly Product[]): Promise<void> {
  await sql`
    insert into products (generation, ${sql.unsafe(columnsOf(productFields))})
    select ${generation}, ${valuesOf(sql, productFields, 'row')}
    from unnest(${arraysOf(sql, rows, productFields)}) as row (${sql.unsafe(columnsOf(productFields))})
    order by id collate "C"`;
}

/** Updates locked products whose names have changed. */
export async function renameProducts(sql: Transaction, generation: number, rows: readonly Product[]): Promise<void> {
  await update(sql, generation, rows, writtenFields);
}

/** Updates locked products whose names have not changed: PostgreSQL does not fold them again, which takes 3 µs a row. */
export async function updateProducts(sql: Transaction, generation: number, rows: readonly Product[]): Promise<void> {
  await update(sql, generation, rows, unnamedFields);
}

async function update(
  sql: Transaction,
  generation: number,
  rows: readonly Product[],
  fields: readonly ProductField[],
): Promise<void> {
  const sent: readonly ProductField[] = ['id', ...fields];
  await sql`
    update ${partitionOf(sql, generation)} as product set ${assignmentsOf(sql, fields, 'row')}
    from unnest(${arraysOf(sql, rows, sent)}) as row (${sql.unsafe(columnsOf(sent))})
    cross join lateral ${placeOf(sql, generation)} found
    where product.ctid = found.place`;
}

function partitionOf(sql: Transaction, generation: number) {
  return sql(`products_g${generation}`);
}

/**
 * Finds a row's ctid by its id. With the id alone in the update, PostgreSQL could read the whole generation for each
 * row. The ctid stays valid because the transaction has locked the row.
 */
function placeOf(sql: Transaction, generation: number) {
  return sql`(
      select ctid as place from ${partitionOf(sql, generation)} where generation = ${generation} and id = row.id limit 1
    )`;
}
