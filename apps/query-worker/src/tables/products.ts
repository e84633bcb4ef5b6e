import { errorCode, type Transaction } from '@catalogue/postgres';
import { columnsOf, productColumns, type ProductField, productFields } from '@catalogue/read-schema';
import type { Product } from '../projection/product.ts';
import { arraysOf, assignmentsOf, valuesOf } from './product-parameters.ts';

/** All fields but the key. */
const writtenFields = productFields.filter((field) => field !== 'id');
/** … but the name as well. */
const unnamedFields = writtenFields.filter((field) => field !== 'name');

/** What is read of a row: times as text, since the client would cut their microseconds. */
const readColumns = productFields
  .map((field) => {
    const { name, type } = productColumns[field];
    const value = type === 'timestamptz' ? `(${name} at time zone 'UTC')::text` : name;
    return name === field ? value : `${value} as "${field}"`;
  })
  .join(', ');

/** Makes empty rows of the products that have none: an absent row cannot be locked. */
export async function insertMissing(sql: Transaction, generation: number, ids: readonly string[]): Promise<void> {
  await sql`
    insert into products (generation, id)
    select ${generation}, id from unnest(${ids}::text[]) id order by id collate "C"
    on conflict do nothing`;
}

/**
 * Reads the rows of these products and locks them until the transaction ends, in the order of their ids. Each id is a look
 * into the index of its own: with `id = any(…)` PostgreSQL 15 and 16 read the whole generation, 12 to 20 ms at 5 000 rows, as
 * long as the table has grown since it was analysed. The limit keeps the planner from joining in another way.
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
 * Writes the rows of products that had none, in the order of their ids: two transactions that meet wait for each other and
 * do not deadlock. Fails as a whole when another transaction has made one of them meanwhile (`isRowTaken`): an upsert would
 * overwrite what nobody has read.
 */
export async function insertProducts(sql: Transaction, generation: number, rows: readonly Product[]): Promise<void> {
  await sql`
    insert into products (generation, ${sql.unsafe(columnsOf(productFields))})
    select ${generation}, ${valuesOf(sql, productFields, 'row')}
    from unnest(${arraysOf(sql, rows, productFields)}) as row (${sql.unsafe(columnsOf(productFields))})
    order by id collate "C"`;
}

/** Writes products whose rows this transaction has locked, and whose names have changed. */
export async function renameProducts(sql: Transaction, generation: number, rows: readonly Product[]): Promise<void> {
  await update(sql, generation, rows, writtenFields);
}

/**
 * Writes all but the names of products whose rows this transaction has locked. As PostgreSQL sees that the name is not
 * written, it does not fold it again, which takes 3 µs a row.
 */
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
 * Where a row is, found by its id. The update goes there: by the id itself, PostgreSQL could read the whole generation for each
 * row. The place is right because the transaction has locked the row.
 */
function placeOf(sql: Transaction, generation: number) {
  return sql`(
      select ctid as place from ${partitionOf(sql, generation)} where generation = ${generation} and id = row.id limit 1
    )`;
}

const taken = '23505';

/**
 * Does work again, from its beginning, for as long as it fails since another transaction has made a row that it found
 * missing: what is found then includes that row, locked.
 */
export async function againOnTakenRow<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isRowTaken(error)) throw error;
    }
  }
}

/** True for the key of `products`, in whichever partition. */
function isRowTaken(error: unknown): boolean {
  if (errorCode(error) !== taken) return false;
  return /^products_g\d+$/.test((error as { table_name?: string }).table_name ?? '');
}
