import type { Sql } from './connect.ts';

/**
 * Makes a function that tells the listeners of a channel that new rows can be read. Calls are coalesced: one hint is in
 * flight at a time, and the next is sent at least `minPauseMs` later. Call it after the transaction that wrote the
 * rows: a NOTIFY inside an append cost 41% of throughput. So a hint can be lost, and listeners have to poll as well.
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
