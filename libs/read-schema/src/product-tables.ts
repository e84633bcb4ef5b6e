import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  index,
  integer,
  numeric,
  pgTable,
  pgView,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core';

/** A random number from 1 that a double holds exactly. Made by the database, so that workers of every release store it. */
const mark = () => bigint({ mode: 'number' }).default(sql`(random() * 9007199254740990)::bigint + 1`);

/**
 * Every product, in every generation of the read model: one list partition a generation (`products_g1`, …). Partitions
 * and collations are in the migrations, since Drizzle cannot say them: `name` sorts by the ICU root collation, `id` and
 * the stamps by their bytes.
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
    /** Of the last event applied; 0 for a product known from legacy messages only. */
    version: integer().notNull().default(0),
    /** From the event, not from the clock: two generations can be compared. Null until the creation is known. */
    createdAt: timestamp('created_at', { withTimezone: true, precision: 6 }),
    updatedAt: timestamp('updated_at', { withTimezone: true, precision: 6 }),
    /** Kept for ever, so that a late or repeated event cannot bring the product back. */
    discontinued: boolean().notNull().default(false),
    /** Of the last event applied: the same version with another id is a history that forked. */
    eventId: text('event_id'),
    /** When and where the legacy value of the field was said: the later stamp wins. Null once the product has a version. */
    nameStamp: text('name_stamp'),
    priceStamp: text('price_stamp'),
    /** Events of it are parked: the row is older than what the topic says. */
    parked: boolean().notNull().default(false),
    /** Whether readers see the product. */
    listed: boolean()
      .notNull()
      .generatedAlwaysAs(sql`not discontinued and created_at is not null and name is not null and price is not null`),
    /** Not used: the next release drops it (docs/how-to/upgrade.md). Until then the one before may run on these tables. */
    folded: text(),
  },
  (table) => [
    primaryKey({ columns: [table.generation, table.id] }),
    // Each serves keyset pages in both directions.
    index('products_by_name').on(table.name, table.id).where(sql`listed`),
    // It includes the generation, which Drizzle cannot say.
    index('products_by_price').on(table.price, table.id).where(sql`listed`),
    index('products_by_updated_at').on(table.updatedAt, table.id).where(sql`listed`),
  ],
);

/**
 * What happened to the products of a generation, in the order of commit and without gaps in `seq`, for whoever waits or
 * listens. Kept for a while; one list partition a generation.
 */
export const changes = pgTable(
  'changes',
  {
    generation: integer().notNull(),
    seq: bigint({ mode: 'number' }).notNull(),
    productId: text('product_id').notNull(),
    version: integer().notNull(),
    /** What readers see of it; `none` when they see nothing, though the version moved. */
    kind: text({ enum: ['created', 'updated', 'discontinued', 'none'] }).notNull(),
    /** The product after the change. */
    name: text(),
    price: numeric(),
    /** Of the product before the change, when readers saw it then: who shows a range of prices has to know what leaves it. */
    priceBefore: numeric('price_before'),
    createdAt: timestamp('created_at', { withTimezone: true, precision: 6 }),
    updatedAt: timestamp('updated_at', { withTimezone: true, precision: 6 }),
    at: timestamp({ withTimezone: true, precision: 6 }).notNull().defaultNow(),
    /**
     * Tells this change from another with the same `seq`: a standby that lacks the last changes, or a restored copy, counts on
     * from where it is. Null for changes from before this column.
     */
    mark: mark(),
  },
  (table) => [primaryKey({ columns: [table.generation, table.seq] })],
);

/** The last `seq` of each generation. Moved as the last thing in a transaction: whoever has moved it commits before the next. */
export const changeCounters = pgTable('change_counters', {
  generation: integer().primaryKey(),
  last: bigint({ mode: 'number' }).notNull().default(0),
  /** The mark of the log's beginning, before its first change. */
  mark: mark(),
});

/**
 * What readers are shown: the listed products of the serving generation (and `folded`, for the release before). Legacy readers
 * select `id, name, price`. Made by the SQL function `show_generation`: a migration that changes the view replaces the function and calls it (migration 0002).
 * It also makes `listed_products`, which shows the same without naming the generation: for what goes by the order of a name, a
 * price or a time (migration 0008).
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

/** A field of a product that messages fill. */
export type ProductField = Exclude<keyof ProductRow, 'generation' | 'listed' | 'folded'>;

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
