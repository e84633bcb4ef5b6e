/** The bounds of a statement that is meant to read much. */
export interface Bound {
  buffers: number;
  rowsRemoved: number;
  mayScan: boolean;
}

interface LargeRead extends Partial<Bound> {
  /** A part of the statement's text. */
  text: RegExp;
}

/**
 * Statements that are meant to read much, with their bounds for 100 000 products, parked events and events in the log.
 * Constants bound the statements of readers; those of operators grow with the tables.
 */
const largeReads: readonly LargeRead[] = [
  // postgres.js reads the database's array types once for each connection.
  { text: /^select b\.oid, b\.typarray from pg_catalog\.pg_type/, rowsRemoved: 2_000 },
  // Searches: 500 matches by id for a common word, 50 000 names for signs, which no index has.
  { text: /with (beginning|candidates) as materialized/, rowsRemoved: 150_000, buffers: 60_000 },
  { text: /from words where word % wanted/, rowsRemoved: 20_000, buffers: 5_000 },
  // Lists sorted by one column and filtered by price use whichever index PostgreSQL expects to be better.
  { text: /from listed_products where true and price [<>]=/, rowsRemoved: 20_000, buffers: 20_000 },
  // From time to time an insert moves the pending entries of the trigram index to their places.
  { text: /^insert into (products|words)/, buffers: 60_000 },
  // Metrics and the operator's tool count parked messages.
  { text: /count\(.*from (generations g left join )?parked_events/, buffers: 20_000 },
  // The comparison of two generations, and the rows that differ.
  {
    text: /from (products|priced_products|price_line|reductions) where generation in \(/,
    rowsRemoved: 200_000,
    buffers: 30_000,
    mayScan: true,
  },
  { text: /^insert into suspects/, rowsRemoved: 300_000, buffers: 30_000, mayScan: true },
  { text: /from suspects s left join a/, rowsRemoved: 300_000, buffers: 60_000, mayScan: true },
  // Republishing finds its position or time from the beginning of the log.
  { text: /from events where (position|recorded_at) >= /, rowsRemoved: 200_000, buffers: 20_000 },
];

/** The bounds of a statement that is meant to read much; undefined for all others. */
export function boundOf(text: string): Partial<Bound> | undefined {
  return largeReads.find((read) => read.text.test(text));
}
