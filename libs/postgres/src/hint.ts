import type { Sql } from './connect.ts';

/**
 * Makes a function that notifies the listeners of a channel that there is something to read. Calls are coalesced: one hint is
 * under way at a time, and the next is sent at least `minPauseMs` later. A hint is sent outside the transaction that it is
 * about, since a NOTIFY inside an append cost 41 % of throughput. So a hint can be lost, and listeners poll as well.
 */
export function hinter(sql: Sql, channel: string, minPauseMs: number): (payload?: string) => void {
  let underWay = false;
  let next: string | undefined;
  const send = async () => {
    underWay = true;
    for (; next !== undefined; await new Promise((resolve) => setTimeout(resolve, minPauseMs))) {
      const payload = next;
      next = undefined;
      // A lost hint needs no retry: listeners poll.
      await sql`select pg_notify(${channel}, ${payload})`.catch(() => {});
    }
    underWay = false;
  };
  return (payload = '') => {
    next = payload;
    if (!underWay) void send();
  };
}
