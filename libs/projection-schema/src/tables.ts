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

/** The columns that the projection needs in a table with one row per product. The primary key is (generation, id). */
export const trackedColumns = {
  generation: integer().notNull(),
  id: text().notNull(),
  /** Of the last applied event; 0 before the first one. */
  version: integer().notNull().default(0),
  /** Of the last applied event: another id with the same version is a fork. */
  eventId: text('event_id'),
  /** Events of the product are parked, so the row is older than the topic. */
  parked: boolean().notNull().default(false),
};

const bytea = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

/** The generations of the read model. Exactly one serves: `products_read` shows its partition. */
export const generations = pgTable(
  'generations',
  {
    generation: integer().primaryKey(),
    /**
     * `filling`: being built beside the serving one; one at a time. `retired`: served before; kept up to date until
     * dropped. `dropped`: its data is deleted; the row stays, so that its number is not used again.
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
 * The offset that the read model has reached in each partition, moved in the transaction that applies messages. Offsets
 * are committed to Kafka afterwards, for lag tools only.
 */
export const consumerOffsets = pgTable(
  'consumer_offsets',
  {
    generation: integer().notNull(),
    topic: text().notNull(),
    partition: integer().notNull(),
    /** The broker's id of the topic of these offsets: a recreated topic of the same name has another. */
    topicId: text('topic_id').notNull(),
    /** The offset of the first message that is not applied yet. */
    next: bigint({ mode: 'number' }).notNull(),
    /** Attempts at the batch at `next` that ended with the process. */
    attempts: integer().notNull().default(0),
    /** Unreadable messages in a row before `next`; a negative number is what an operator still allows. */
    unreadable: integer().notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.generation, table.topic, table.partition] })],
);

/**
 * Events that could not be applied, and later events of the same product. They wait, in the order of their versions,
 * until a missing event arrives, a newer worker can read them, or an operator discards them.
 */
export const parkedEvents = pgTable(
  'parked_events',
  {
    generation: integer().notNull(),
    topic: text().notNull(),
    partition: integer().notNull(),
    offset: bigint({ mode: 'number' }).notNull(),
    /** For a message that cannot be read: its key. */
    productId: text('product_id').notNull(),
    /** The event's `productVersion`; null for a message that cannot be read. */
    version: integer(),
    eventId: text('event_id'),
    type: text(),
    /** `queued`: it can be applied after another event. `crash`: it ended the worker repeatedly. */
    reason: text({ enum: ['unreadable', 'newer-schema', 'gap', 'fork', 'crash', 'queued'] }).notNull(),
    /** The details for an operator. */
    detail: text().notNull(),
    /** The message's value as it arrived. */
    message: bytea(),
    traceparent: text(),
    /** The product's queue can be applied: the workers do so, a piece at a time. */
    draining: boolean().notNull().default(false),
    parkedAt: timestamp('parked_at', { withTimezone: true, precision: 6 }).notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.generation, table.topic, table.partition, table.offset] }),
    index('parked_events_by_product').on(table.generation, table.productId, table.version),
    index('parked_events_draining').on(table.generation, table.productId).where(sql`draining`),
  ],
);

/** What operators discarded, for this generation and all later ones. */
export const discards = pgTable(
  'discards',
  {
    productId: text('product_id').notNull(),
    /** The discarded version. */
    version: integer().notNull(),
    /**
     * The only event that is discarded, if two have the version; empty for any. For an unreadable message (version 0):
     * its topic's id, partition and offset.
     */
    eventId: text('event_id').notNull().default(''),
    detail: text().notNull(),
    discardedAt: timestamp('discarded_at', { withTimezone: true, precision: 6 }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.productId, table.version, table.eventId] })],
);

export type ParkedEvent = typeof parkedEvents.$inferSelect;
export type Generation = typeof generations.$inferSelect;
