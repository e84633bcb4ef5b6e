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
  uniqueIndex,
} from 'drizzle-orm/pg-core';

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
    /** Whether readers see the product. */
    listed: boolean()
      .notNull()
      .generatedAlwaysAs(sql`not discontinued and created_at is not null and name is not null and price is not null`),
  },
  (table) => [
    primaryKey({ columns: [table.generation, table.id] }),
    // Serves keyset pages in both directions.
    index('products_by_name').on(table.name, table.id).where(sql`listed`),
  ],
);

/** The generations of the read model: exactly one serves, and `products_read` shows its partition. */
export const generations = pgTable(
  'generations',
  {
    generation: integer().primaryKey(),
    state: text({ enum: ['filling', 'serving', 'retired'] }).notNull(),
  },
  (table) => [uniqueIndex('generations_one_serving').on(table.state).where(sql`state = 'serving'`)],
);

/**
 * How far each partition of the topic has been applied: the truth about it, moved in the transaction that applies. Kafka's
 * own offsets only follow.
 */
export const consumerOffsets = pgTable(
  'consumer_offsets',
  {
    generation: integer().notNull(),
    topic: text().notNull(),
    partition: integer().notNull(),
    /** The broker's id of the topic these offsets belong to: a topic made again under the same name has another. */
    topicId: text('topic_id').notNull(),
    /** The offset of the first message that is not applied yet. */
    next: bigint({ mode: 'number' }).notNull(),
    /** Batches begun at `next` whose process did not survive. */
    attempts: integer().notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.generation, table.topic, table.partition] })],
);

/** What readers are shown: the listed products of the serving generation. Legacy readers select `id, name, price`. */
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
export type ConsumerOffset = typeof consumerOffsets.$inferSelect;
export type Generation = typeof generations.$inferSelect;
