/** What a statement may cost that is meant to read much. */
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
 * Statements that are meant to read much, each with what it may cost with 100 000 products, 100 000 parked events and as many
 * events in the log. Those of readers are bounded by constants of theirs; those of operators grow with the tables.
 */
const largeReads: readonly LargeRead[] = [
  // The client asks once a connection for the array types of the database.
  { text: /^select b\.oid, b\.typarray from pg_catalog\.pg_type/, rowsRemoved: 2_000 },
  // Searches: 500 matches in the order of ids for a word that is common, 50 000 names for signs, which no index knows.
  { text: /with (beginning|candidates) as materialized/, rowsRemoved: 150_000, buffers: 60_000 },
  { text: /from words where word % wanted/, rowsRemoved: 20_000, buffers: 5_000 },
  // Lists sorted by one column and narrowed by the price go by whichever index PostgreSQL expects to be better.
  { text: /from listed_products where true and price [<>]=/, rowsRemoved: 20_000, buffers: 20_000 },
  // Now and then an insert moves what waits in the index of trigrams to its place, for many others.
  { text: /^insert into (products|words)/, buffers: 60_000 },
  // Metrics and the operator's tool count what waits.
  { text: /count\(.*from (generations g left join )?parked_events/, buffers: 20_000 },
  // The comparison of two generations, and the rows that differ.
  { text: /from products where generation in \(/, rowsRemoved: 200_000, buffers: 30_000, mayScan: true },
  { text: /^insert into suspects/, rowsRemoved: 300_000, buffers: 30_000, mayScan: true },
  { text: /from suspects s left join a/, rowsRemoved: 300_000, buffers: 60_000, mayScan: true },
  // Sending the log again finds its place by position or time, from the beginning.
  { text: /from events where (position|recorded_at) >= /, rowsRemoved: 200_000, buffers: 20_000 },
];

/** What a statement may cost that is meant to read much; undefined for all others. */
export function boundOf(text: string): Partial<Bound> | undefined {
  return largeReads.find((read) => read.text.test(text));
}
