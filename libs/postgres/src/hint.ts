import type { Sql } from './connect.ts';

/**
 * Makes the function that hints, to whoever listens to a channel, that there is something to read. Calls are coalesced: one
 * hint is under way at a time, and the next follows after `leastPause` milliseconds at the earliest. It is sent outside the
 * transaction that it speaks of (a NOTIFY inside an append cost 41 % of throughput), so it may be lost: whoever listens polls
 * as well.
 */
export function hinter(sql: Sql, channel: string, leastPause: number): (payload?: string) => void {
  let underWay = false;
  let next: string | undefined;
  const send = async () => {
    underWay = true;
    for (; next !== undefined; await new Promise((resolve) => setTimeout(resolve, leastPause))) {
      const payload = next;
      next = undefined;
      // Lost with the connection: nothing to mend, polling finds what there is.
      await sql`select pg_notify(${channel}, ${payload})`.catch(() => {});
    }
    underWay = false;
  };
  return (payload = '') => {
    next = payload;
    if (!underWay) void send();
  };
}
