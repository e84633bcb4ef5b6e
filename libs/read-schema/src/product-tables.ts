import { changeColumns } from '@catalogue/projection-schema';
import { sql } from 'drizzle-orm';
import { boolean, integer, numeric, pgTable, pgView, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

/**
 * Every product in every generation of the read model, with a list partition for each generation (`products_g1`, …). Drizzle
 * cannot express partitions and collations, so the migrations add them: `name` sorts by the ICU root collation, `id` and the
 * stamps by their bytes. Indexes for readers belong to the partitions (`readerIndexes`). The primary key includes `price` and
 * `listed`, which Drizzle cannot express either: searches in a range of prices look up the prices of thousands of names by id.
 */
export const products = pgTable(
  'products',
  {
    generation: integer().notNull(),
    id: text().notNull(),
    /** Null until known: a legacy update may come before its creation. */
    name: text(),
    /** In the catalogue's one currency, to the cent; null until known. */
    price: numeric(),
    /** Of the last event applied; 0 for a product known only from legacy messages. */
    version: integer().notNull().default(0),
    /** From the event, not the clock, so that generations can be compared. Null until the creation is known. */
    createdAt: timestamp('created_at', { withTimezone: true, precision: 6 }),
    updatedAt: timestamp('updated_at', { withTimezone: true, precision: 6 }),
    /** Kept for ever, so that a late or repeated event cannot bring the product back. */
    discontinued: boolean().notNull().default(false),
    /** Of the last event applied: another id with the same version is a fork. */
    eventId: text('event_id'),
    /** Time and place of the legacy value: the later stamp wins. Null once the product has a version. */
    nameStamp: text('name_stamp'),
    priceStamp: text('price_stamp'),
    /** Events of the product are parked, so the row is older than the topic. */
    parked: boolean().notNull().default(false),
    /** Whether readers see the product. */
    listed: boolean()
      .notNull()
      .generatedAlwaysAs(sql`not discontinued and created_at is not null and name is not null and price is not null`),
    /** Not used: the next release drops it (docs/how-to/upgrade.md). Until then the one before may run on these tables. */
    folded: text(),
  },
  (table) => [primaryKey({ columns: [table.generation, table.id] })],
);

/**
 * The change log: the changes of a generation's products in the order of commit, without gaps in `seq`, for streams and waiting
 * queries. Kept for a while, with a list partition for each generation.
 */
export const changes = pgTable(
  'changes',
  {
    ...changeColumns,
    /** The change for readers; `none` when only the version moved. */
    kind: text({ enum: ['created', 'updated', 'discontinued', 'none'] }).notNull(),
    /** The product after the change. */
    name: text(),
    price: numeric(),
    /**
     * The price before the change, if readers saw the product then: a stream with a price range has to tell what leaves the
     * range.
     */
    priceBefore: numeric('price_before'),
    createdAt: timestamp('created_at', { withTimezone: true, precision: 6 }),
    updatedAt: timestamp('updated_at', { withTimezone: true, precision: 6 }),
  },
  (table) => [primaryKey({ columns: [table.generation, table.seq] })],
);

/**
 * The view for readers: the listed products of the serving generation (and `folded`, for the release before). Legacy
 * readers select `id, name, price`. The SQL function `show_generation` makes it; a migration that changes the view
 * replaces the function and calls it (newest: migration 0021). The function also makes `listed_products`, the same view
 * over the generation's partition, for lists in an order.
 */
export const productsRead = pgView('products_read', {
  id: text().notNull(),
  name: text().notNull(),
  price: numeric().notNull(),
  version: integer().notNull(),
  createdAt: timestamp('created_at', { withTimezone: true, precision: 6 }).notNull(),
  updatedAt: timestamp('updated_at', { withTimezone: true, precision: 6 }).notNull(),
}).existing();

export type ProductRow = typeof products.$inferSelect;
export type ProductRead = typeof productsRead.$inferSelect;

/** A field of a product that the projection fills. */
export type ProductField = Exclude<keyof ProductRow, 'generation' | 'listed' | 'folded'>;

export interface ProductColumn {
  /** The name in the database. */
  name: string;
  type: 'text' | 'integer' | 'numeric' | 'timestamptz' | 'boolean';
  /**
   * `readers`: clients and the change log see it. `rebuilds`: only the comparison of two generations reads it, as well as the
   * fields of readers. `projection`: generations may differ in it.
   */
  usedBy: 'readers' | 'rebuilds' | 'projection';
}

type UsedBy<Field> = Field extends keyof ProductRead ? 'readers' : 'rebuilds' | 'projection';

/**
 * The columns of `products` that the projection fills. Rows, changes, comparisons, pages and searches are made from this list.
 */
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
