import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  customType,
  index,
  integer,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core';

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

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

export type ConsumerOffset = typeof consumerOffsets.$inferSelect;
export type ParkedEvent = typeof parkedEvents.$inferSelect;
export type Generation = typeof generations.$inferSelect;
