import { changeColumns, trackedColumns } from '@catalogue/projection-schema';
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  index,
  integer,
  json,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
} from 'drizzle-orm/pg-core';

// The tables of prices come in generations: each has a list partition for each generation (`price_line_g1`, …). Drizzle
// cannot express partitions and collations, so the migrations add them: ids and markets sort by their bytes.

/** Events' instants, to the millisecond. */
const instant = (name: string) => timestamp(name, { withTimezone: true, precision: 3 });
/** Exact in a double; older producers validated no price. */
const cents = (name?: string) => (name === undefined ? bigint({ mode: 'number' }) : bigint(name, { mode: 'number' }));

/**
 * The state that continues the price line of each product. It is small, however long the line is. See `PricedProduct`.
 */
export const pricedProducts = pgTable(
  'priced_products',
  {
    ...trackedColumns,
    /**
     * The instant from which on every price is known; null if the last one may be missing. The default is before every
     * window.
     */
    completeFrom: instant('complete_from').default(sql`'0001-01-01T00:00:00Z'`),
    /** The line just before the last change (`PackedLine`); null before the second. */
    settled: jsonb(),
    lastChange: jsonb('last_change'),
    /** The data from older producers; null once the product has a version. */
    legacy: jsonb(),
  },
  (table) => [primaryKey({ columns: [table.generation, table.id] })],
);

/** Which price was applied when: half-open periods that are not empty and do not overlap. Never pruned. */
export const priceLine = pgTable(
  'price_line',
  {
    generation: integer().notNull(),
    product: text().notNull(),
    /** `from` and `to` are reserved words of SQL. */
    validFrom: instant('valid_from').notNull(),
    /** Not part of the period; null while the price is applied. */
    validTo: instant('valid_to'),
    cents: cents().notNull(),
    /** The event that set the price; version 0 for a message of an older producer. */
    version: integer().notNull(),
    eventId: text('event_id').notNull(),
    /** The promotion whose command set the price. Null if none did, and where the release before wrote the row. */
    promotion: text(),
  },
  (table) => [
    primaryKey({ columns: [table.generation, table.product, table.validFrom] }),
    uniqueIndex('price_line_one_open').on(table.generation, table.product).where(sql`valid_to is null`),
  ],
);

/**
 * Every reduction in every market, stored when it started, with the basis of its prior price. Never pruned: it is the
 * evidence.
 */
export const reductions = pgTable(
  'reductions',
  {
    generation: integer().notNull(),
    product: text().notNull(),
    market: text().notNull(),
    /** When this price was applied. */
    appliedAt: instant('applied_at').notNull(),
    /** When it ended; for one in force, when it ends at the latest. */
    endsAt: instant('ends_at').notNull(),
    /**
     * No other price followed, the product is not parked, and the reduction was not found expired. Readers also compare
     * `ends_at` with their clock.
     */
    listed: boolean().notNull(),
    cents: cents().notNull(),
    priorCents: cents('prior_cents').notNull(),
    /** Tenths of a percent, rounded down. */
    permille: integer().notNull(),
    windowFrom: instant('window_from').notNull(),
    /** When the reduction was applied first. */
    windowTo: instant('window_to').notNull(),
    observedDays: integer('observed_days').notNull(),
    /** The period that shows the prior price: a key of `price_line`. */
    basisFrom: instant('basis_from').notNull(),
    /** As in `price_line`. */
    promotion: text(),
  },
  (table) => [
    primaryKey({ columns: [table.generation, table.product, table.market, table.appliedAt] }),
    // With the end, so that a list skips expired reductions without reading their rows.
    index('reductions_by_size')
      .on(table.generation, table.market, table.permille, table.product, table.endsAt)
      .where(sql`listed`),
    index('reductions_by_end').on(table.generation, table.endsAt).where(sql`listed`),
  ],
);

/**
 * Prices from before this service, loaded from files. A generation takes them over with the first event of their
 * product, so prices that are loaded later count from the next rebuild on.
 */
export const loadedPrices = pgTable(
  'loaded_prices',
  {
    product: text().notNull(),
    validFrom: instant('valid_from').notNull(),
    /** Not part of the period; null: until the next one, or until the first event. */
    validTo: instant('valid_to'),
    cents: cents().notNull(),
    /** The name of the file. */
    source: text().notNull(),
    loadedAt: timestamp('loaded_at', { withTimezone: true, precision: 6 }).notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.product, table.validFrom] })],
);

/**
 * The versions that products reached, in the order of commit and without gaps in `seq`, for waiting queries and caches.
 * Kept for a while.
 */
export const changes = pgTable('changes', changeColumns, (table) => [
  primaryKey({ columns: [table.generation, table.seq] }),
]);

/** The beginning of each generation. Other rules, and prices that are loaded later, need a rebuild. */
export const appliedRules = pgTable('applied_rules', {
  generation: integer().primaryKey(),
  /** The rules from `PRICE_MARKETS`. `json` keeps their order: the first is the default. */
  markets: json().notNull(),
  hasHistory: boolean('has_history').notNull(),
});
