import { hinter, type Sql } from '@catalogue/postgres';

/** The channel of the hint that events were appended. */
export const eventsAppended = 'events_appended';

// Milliseconds between two hints: a reader that is awake reads on by itself.
const leastPause = 5;

/** Makes the function that hints, to readers anywhere, that events were appended; see `hinter`. */
export function hintAppended(sql: Sql): () => void {
  return hinter(sql, eventsAppended, leastPause);
}
