import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
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

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

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
 * The names of the products that readers see, as they are searched. Kept by triggers on `products`, which write it only when a
 * name changes, or a product comes or goes: a price leaves its indexes alone. One list partition a generation, made and
 * dropped by a trigger on `generations`.
 */
export const productNames = pgTable(
  'product_names',
  {
    generation: integer().notNull(),
    id: text().notNull(),
    /** Its words without case, accents and signs, a space before and after each. */
    folded: text().notNull(),
    /**
     * What trigrams do not find: each sign, each character of a script that writes without spaces between words, and each of
     * them with the character before and after it. Null for a name without any.
     */
    grams: text().array(),
  },
  (table) => [
    primaryKey({ columns: [table.id, table.generation] }),
    index('product_names_by_trigrams').using('gin', table.folded.op('gin_trgm_ops')),
    index('product_names_by_grams').using('gin', table.grams).where(sql`grams is not null`),
  ],
);

/**
 * The words of all names there ever were, folded, for whoever looks for a misspelt one: those with 3 to 40 letters and without
 * digits. Of all generations together: a word too many costs a search nothing.
 */
export const words = pgTable('words', { word: text().primaryKey() }, (table) => [
  index('words_by_trigrams').using('gin', table.word.op('gin_trgm_ops')),
]);

/** The generations of the read model: exactly one serves, and `products_read` shows its partition. */
export const generations = pgTable(
  'generations',
  {
    generation: integer().primaryKey(),
    /**
     * `filling`: being built beside the one that serves; one at a time. `retired`: served before; kept up to date until
     * dropped. `dropped`: its rows are gone; this one stays, so that no number comes twice.
     */
    state: text({ enum: ['filling', 'serving', 'retired', 'dropped'] }).notNull(),
    createdAt: timestamp('created_at', { withTimezone: true, precision: 6 }).notNull().defaultNow(),
  },
  (table) => [
    uniqueIndex('generations_one_serving').on(table.state).where(sql`state = 'serving'`),
    uniqueIndex('generations_one_filling').on(table.state).where(sql`state = 'filling'`),
  ],
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
    /** Messages before `next` that could not be read, in a row; below 0, as many more are allowed before the count begins. */
    unreadable: integer().notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.generation, table.topic, table.partition] })],
);

/**
 * Events that could not be applied, and those of the same product that came after: they wait, in the order of their
 * versions, until what stands in the way arrives, is understood by a newer worker, or is discarded by an operator.
 */
export const parkedEvents = pgTable(
  'parked_events',
  {
    generation: integer().notNull(),
    topic: text().notNull(),
    partition: integer().notNull(),
    offset: bigint({ mode: 'number' }).notNull(),
    /** For a message that cannot be read: its key, which is the product's id when it is an event at all. */
    productId: text('product_id').notNull(),
    /** The event's `productVersion`; null for a message that cannot be read. */
    version: integer(),
    eventId: text('event_id'),
    type: text(),
    /** `queued`: nothing is wrong with it, but with an event before it. `crash`: it ended the worker, again and again. */
    reason: text({ enum: ['unreadable', 'newer-schema', 'gap', 'fork', 'crash', 'queued'] }).notNull(),
    /** The whole story, for an operator. */
    detail: text().notNull(),
    /** The message's value, as it came. */
    message: bytea(),
    traceparent: text(),
    /** Nothing stands in the way of its product's first any more: the workers apply what waits, a piece at a time. */
    draining: boolean().notNull().default(false),
    parkedAt: timestamp('parked_at', { withTimezone: true, precision: 6 }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.generation, table.topic, table.partition, table.offset] }),
    index('parked_events_by_product').on(table.generation, table.productId, table.version),
    index('parked_events_draining').on(table.generation, table.productId).where(sql`draining`),
  ],
);

/** What an operator decided to do without, in this generation and in all that come: what is skipped once stays skipped. */
export const discards = pgTable(
  'discards',
  {
    productId: text('product_id').notNull(),
    /** The version that is skipped, whatever event it is. */
    version: integer().notNull(),
    /**
     * Only this event is skipped: one of two of the same version. Empty: whatever has the version. Of a message that cannot be
     * read (version 0): its place, with the id of its topic.
     */
    eventId: text('event_id').notNull().default(''),
    detail: text().notNull(),
    discardedAt: timestamp('discarded_at', { withTimezone: true, precision: 6 }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.productId, table.version, table.eventId] })],
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
export type ConsumerOffset = typeof consumerOffsets.$inferSelect;
export type ParkedEvent = typeof parkedEvents.$inferSelect;
export type Generation = typeof generations.$inferSelect;
