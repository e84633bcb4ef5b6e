import { hinter, type Sql } from '@catalogue/postgres';

/** The channel on which readers are told that events were appended. */
export const eventsAppended = 'events_appended';

// Between two hints: a reader that is awake continues without one.
const minPauseMs = 5;

/** Makes a function that notifies readers that events were appended; see `hinter`. */
export function hintAppended(sql: Sql): () => void {
  return hinter(sql, eventsAppended, minPauseMs);
}
