import type { ProductRead, ProductRow } from './tables.ts';

/** A field of a product that messages fill. */
export type ProductField = Exclude<keyof ProductRow, 'generation' | 'listed'>;

export interface ProductColumn {
  /** In the database. */
  name: string;
  type: 'text' | 'integer' | 'numeric' | 'timestamptz' | 'boolean';
  /**
   * `readers`: clients are shown it, and the change log holds it. `rebuilds`: only the comparison of two generations reads it,
   * as it reads what clients are shown. `projection`: two generations may differ in it.
   */
  usedBy: 'readers' | 'rebuilds' | 'projection';
}

type UsedBy<Field> = Field extends keyof ProductRead ? 'readers' : 'rebuilds' | 'projection';

/** The columns of `products` that messages fill: rows, changes, comparisons, pages and searches are made from this list. */
export const productColumns: { [Field in ProductField]: ProductColumn & { usedBy: UsedBy<Field> } } = {
  id: { name: 'id', type: 'text', usedBy: 'readers' },
  name: { name: 'name', type: 'text', usedBy: 'readers' },
  price: { name: 'price', type: 'numeric', usedBy: 'readers' },
  version: { name: 'version', type: 'integer', usedBy: 'readers' },
  createdAt: { name: 'created_at', type: 'timestamptz', usedBy: 'readers' },
  updatedAt: { name: 'updated_at', type: 'timestamptz', usedBy: 'readers' },
  discontinued: { name: 'discontinued', type: 'boolean', usedBy: 'rebuilds' },
  eventId: { name: 'event_id', type: 'text', usedBy: 'projection' },
  nameStamp: { name: 'name_stamp', type: 'text', usedBy: 'projection' },
  priceStamp: { name: 'price_stamp', type: 'text', usedBy: 'projection' },
  parked: { name: 'parked', type: 'boolean', usedBy: 'projection' },
};

export const productFields = Object.keys(productColumns) as ProductField[];

/** The fields of `ProductRead`. */
export const shownFields = productFields.filter(
  (field): field is keyof ProductRead => productColumns[field].usedBy === 'readers',
);

/** The fields that are the same in two generations at the same offsets. */
export const comparedFields = productFields.filter((field) => productColumns[field].usedBy !== 'projection');

/** SQL: the columns of these fields, each as `write` writes it, separated by commas. */
export function columnsOf(
  fields: readonly ProductField[],
  write: (name: string, column: ProductColumn) => string = (name) => name,
): string {
  return fields.map((field) => write(productColumns[field].name, productColumns[field])).join(', ');
}

/** SQL: the columns of these fields under the names of the fields; of one of several tables where `table` is given. */
export function selectionOf(fields: readonly ProductField[], table?: string): string {
  const selected = fields.map((field) => {
    const { name } = productColumns[field];
    return `${table === undefined ? '' : `${table}.`}${name}${name === field ? '' : ` as "${field}"`}`;
  });
  return selected.join(', ');
}
