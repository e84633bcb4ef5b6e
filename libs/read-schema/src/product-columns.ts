import { type ProductColumn, productColumns, type ProductField, type ProductRead } from './product-tables.ts';

export const productFields = Object.keys(productColumns) as ProductField[];

/** The fields of `ProductRead`. */
export const shownFields = productFields.filter(
  (field): field is keyof ProductRead => productColumns[field].usedBy === 'readers',
);

/** The fields that are equal in two generations at the same offsets. */
export const comparedFields = productFields.filter((field) => productColumns[field].usedBy !== 'projection');

/** SQL: the columns of these fields, each formatted by `write`, separated by commas. */
export function columnsOf(
  fields: readonly ProductField[],
  write: (name: string, column: ProductColumn) => string = (name) => name,
): string {
  return fields.map((field) => write(productColumns[field].name, productColumns[field])).join(', ');
}

/** SQL: the columns of these fields, named as the fields; with `table`, qualified by it. */
export function selectionOf(fields: readonly ProductField[], table?: string): string {
  const selected = fields.map((field) => {
    const { name } = productColumns[field];
    return `${table === undefined ? '' : `${table}.`}${name}${name === field ? '' : ` as "${field}"`}`;
  });
  return selected.join(', ');
}
