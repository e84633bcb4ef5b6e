import { sql } from 'drizzle-orm';
import { bigint, integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core';

/**
 * A random number from 1 that a double holds exactly. It distinguishes a change from another with the same `seq` on a standby
 * that lacks the last changes or in a restored copy. The database makes it, so that workers of every release store one.
 */
const mark = () => bigint({ mode: 'number' }).default(sql`(random() * 9007199254740990)::bigint + 1`);

/**
 * What `libs/reading` expects of the table `changes` of a model: the versions that products reached, in the order of commit,
 * with no gap in `seq`. The key is (generation, seq).
 */
export const changeColumns = {
  generation: integer().notNull(),
  seq: bigint({ mode: 'number' }).notNull(),
  productId: text('product_id').notNull(),
  version: integer().notNull(),
  at: timestamp({ withTimezone: true, precision: 6 }).notNull().defaultNow(),
  /** Null for changes older than this column. */
  mark: mark(),
};

/** The last `seq` of each generation, moved last in a transaction, so that transactions commit in the order of `seq`. */
export const changeCounters = pgTable('change_counters', {
  generation: integer().primaryKey(),
  last: bigint({ mode: 'number' }).notNull().default(0),
  /** The mark of the position before the first change. */
  mark: mark(),
});
