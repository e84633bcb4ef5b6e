import { hinter, type Sql } from '@catalogue/postgres';

/** The NOTIFY channel that announces appended events. */
export const eventsAppended = 'events_appended';

// Between two hints. A reader that is already reading needs no hint.
const minPauseMs = 5;

/** Makes a function that notifies readers of appended events; see `hinter`. */
export function hintAppended(sql: Sql): () => void {
  return hinter(sql, eventsAppended, minPauseMs);
}
