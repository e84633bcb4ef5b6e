import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core';
import { itemStates } from '../machine/item.ts';
import { promotionStates } from '../machine/promotion.ts';
import { ruleKinds } from '../machine/price-rule.ts';

// Drizzle cannot express partitions, collations and exclusion constraints, so the migrations add them: product ids sort
// by their bytes, and `claims` excludes overlapping periods of a product.

/** Instants of a promotion, to the millisecond, as JSON has them. */
const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });
/** Exact in a double. */
const cents = (name: string) => bigint(name, { mode: 'number' });

/** A promotion. `machine/promotion.ts` lists its states and moves. */
export const promotions = pgTable(
  'promotions',
  {
    id: uuid().primaryKey(),
    name: text().notNull(),
    rule: text({ enum: ruleKinds }).notNull(),
    /** Hundredths of a percent, or cents. */
    amount: bigint({ mode: 'number' }).notNull(),
    startsAt: instant('starts_at').notNull(),
    /** Not part of the promotion. */
    endsBefore: instant('ends_before').notNull(),
    onRefusal: text('on_refusal', { enum: ['skip', 'undo'] }).notNull(),
    /** The query by which its products were chosen; null for listed ids. */
    query: jsonb(),
    /** The last product that the promotion has tried to claim, in the order of ids; null before the first. */
    claimedTo: text('claimed_to'),
    /** The promotion has tried to claim all its products. */
    isClaimed: boolean('is_claimed').notNull().default(false),
    /** The first 100 products that other promotions have claimed (`{product, promotion}`), and the number of all. */
    clashes: jsonb().notNull().default([]),
    clashCount: integer('clash_count').notNull().default(0),
    state: text({ enum: promotionStates }).notNull(),
    /** Why it is in this state, for an operator; null where the state says enough. */
    reason: text(),
    /** The state that `retry` goes back to, in `needs-attention`. */
    interrupted: text({ enum: promotionStates }),
    /** An operator decided to keep the prices that were still promoted while they were given back. */
    keeps: boolean().notNull().default(false),
    /** When its next step is due; null when only an operator can continue it, or when it is over. */
    dueAt: instant('due_at'),
    /** Until then no other process continues it: one is at work, or it waits for its next try. */
    heldUntil: timestamp('held_until', { withTimezone: true, precision: 6 }).notNull().defaultNow(),
    /** Raised by every change of the row that clients see: its entity tag. */
    version: integer().notNull().default(1),
    /** The `Idempotency-Key` that it was scheduled with. Equal keys of different subjects are different keys. */
    key: text(),
    /** Whose access token scheduled it; empty without authentication. */
    subject: text().notNull().default(''),
    /** A digest of the request that scheduled it. */
    fingerprint: text().notNull(),
    createdAt: instant('created_at').notNull().defaultNow(),
    updatedAt: instant('updated_at').notNull().defaultNow(),
  },
  (table) => [
    unique('promotions_subject_key').on(table.subject, table.key),
    index('promotions_due').on(table.dueAt).where(sql`due_at is not null`),
    index('promotions_newest').on(table.createdAt, table.id),
    index('promotions_standing').on(table.id).where(sql`due_at is not null or state = 'needs-attention'`),
    index('promotions_changed').on(table.updatedAt),
  ],
);

/** A product of a promotion: one resumable step applies the price, and another gives it back. */
export const promotionItems = pgTable(
  'promotion_items',
  {
    promotion: uuid()
      .notNull()
      .references(() => promotions.id),
    product: text().notNull(),
    state: text({ enum: itemStates }).notNull(),
    /** The price and version that the promotion found, stored before its command is sent. */
    beforeCents: cents('before_cents'),
    beforeVersion: integer('before_version'),
    /** The price of the promotion. */
    promotedCents: cents('promoted_cents'),
    /** The version that the promoted price was confirmed with. */
    appliedVersion: integer('applied_version'),
    /** The command under way: its request id, and the version that it expects. */
    step: text(),
    stepVersion: integer('step_version'),
    /** The command was certainly not sent yet: the step can be given up without an outcome. */
    unsent: boolean().notNull().default(false),
    /** When command-api accepted the step; null while that is unknown. */
    answeredAt: timestamp('answered_at', { withTimezone: true, precision: 6 }),
    /** Refused tries in a row. */
    tries: integer().notNull().default(0),
    /** Why it was refused, kept or has failed. */
    reason: text(),
    /** The price change of someone else: the event's time, correlation id and price. */
    keptAt: text('kept_at'),
    keptBy: text('kept_by'),
    keptCents: cents('kept_cents'),
  },
  (table) => [
    primaryKey({ columns: [table.promotion, table.product] }),
    index('promotion_items_by_state').on(table.promotion, table.state, table.product),
  ],
);

/**
 * The promotion to which a product belongs, and when. Removed once the product is settled: a later promotion of the
 * product waits for that, because it would otherwise take the promoted price for the product's own.
 */
export const claims = pgTable(
  'claims',
  {
    promotion: uuid()
      .notNull()
      .references(() => promotions.id),
    product: text().notNull(),
    /** A `tstzrange` of `[starts_at, ends_before)`. */
    during: text().notNull(),
  },
  (table) => [primaryKey({ columns: [table.promotion, table.product] })],
);

/** Every transition of a promotion, with its time and cause. */
export const promotionLog = pgTable(
  'promotion_log',
  {
    seq: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    promotion: uuid()
      .notNull()
      .references(() => promotions.id),
    at: timestamp({ withTimezone: true, precision: 6 }).notNull().default(sql`clock_timestamp()`),
    /** Null for the first. */
    from: text('from_state', { enum: promotionStates }),
    to: text('to_state', { enum: promotionStates }).notNull(),
    cause: text().notNull(),
    /** The subject of the request's access token; null for the service itself, and without authentication. */
    subject: text(),
  },
  (table) => [index('promotion_log_by_promotion').on(table.promotion, table.seq)],
);

/**
 * The steps whose event has arrived, by their request id: the proof that a command took effect. Written by the
 * projection, in the transaction that applies the event.
 */
export const confirmedSteps = pgTable('confirmed_steps', {
  step: text().primaryKey(),
  version: integer().notNull(),
  cents: cents('cents'),
});

/** The price and name of each product, from the events. */
export const productPrices = pgTable(
  'product_prices',
  {
    generation: integer().notNull(),
    id: text().notNull(),
    version: integer().notNull().default(0),
    eventId: text('event_id'),
    parked: boolean().notNull().default(false),
    /** Null while unknown. */
    cents: cents('cents'),
    /** The version that set the price, with the event's time and correlation id. */
    priceVersion: integer('price_version').notNull().default(0),
    priceAt: text('price_at'),
    priceBy: text('price_by'),
    discontinued: boolean().notNull().default(false),
    /** The correlation id of the last event. */
    causedBy: text('caused_by'),
    /** Null while unknown; empty after an event that was discarded. A trigger keeps what is searched of it, in `folded`. */
    name: text(),
    /** The version that the name is known at. The release before keeps no names: it leaves this behind `version`. */
    nameVersion: integer('name_version').notNull().default(0),
  },
  (table) => [primaryKey({ columns: [table.generation, table.id] })],
);
