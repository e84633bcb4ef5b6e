import type { Sql } from '@catalogue/postgres';

/** The channel of the hint that events were appended. */
export const eventsAppended = 'events_appended';

// Milliseconds between two hints: a reader that is awake reads on by itself.
const leastPause = 5;

/**
 * Makes the function that hints, to readers anywhere, that events were appended. Calls are coalesced: one hint is under way
 * at a time. It is sent outside the append (a NOTIFY inside it cost 41% of throughput), so it may be lost; reading goes on by
 * polling then.
 */
export function hintAppended(sql: Sql): () => void {
  let underWay = false;
  let again = false;
  const send = async () => {
    underWay = true;
    do {
      again = false;
      // Lost with the connection: nothing to mend, polling finds the events.
      await sql`select pg_notify(${eventsAppended}, '')`.catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, leastPause));
    } while (again);
    underWay = false;
  };
  return () => {
    again = true;
    if (!underWay) void send();
  };
}
