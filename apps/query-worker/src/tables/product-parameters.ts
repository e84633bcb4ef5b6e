import type { Transaction } from '@catalogue/postgres';
import { columnsOf, type ProductColumn, productColumns, type ProductField } from '@catalogue/read-schema';
import type { Product } from '../projection/product.ts';

/**
 * The parameters of a statement that writes products: an array for each field. Times, booleans and prices travel as text,
 * because postgres.js cuts microseconds and misreads arrays of booleans.
 */
export function arraysOf(sql: Transaction, products: readonly Product[], fields: readonly ProductField[]) {
  return fields.map((field, index) => {
    const { type } = productColumns[field];
    const values = products.map((product) => (type === 'boolean' ? String(product[field]) : product[field]));
    const array = sql`${values}::${sql.unsafe(type === 'integer' ? 'int[]' : 'text[]')}`;
    return index === 0 ? array : sql`, ${array}`;
  });
}

/** The values of these fields, from a row of such arrays. */
export function valuesOf(sql: Transaction, fields: readonly ProductField[], row: string) {
  return sql.unsafe(columnsOf(fields, (name, column) => valueOf(name, column, row)));
}

/** The assignments of these fields, from a row of such arrays. */
export function assignmentsOf(sql: Transaction, fields: readonly ProductField[], row: string) {
  return sql.unsafe(columnsOf(fields, (name, column) => `${name} = ${valueOf(name, column, row)}`));
}

function valueOf(name: string, { type }: ProductColumn, row: string): string {
  const value = `${row}.${name}`;
  if (type === 'timestamptz') return `${value}::timestamp at time zone 'UTC'`;
  return type === 'text' || type === 'integer' ? value : `${value}::${type}`;
}
