import { waitFor } from '@catalogue/testing';
import type { Bed } from '../bed.ts';

/** Events that the relay has not sent. */
export async function unrelayedEvents({ writeDb }: Bed): Promise<number> {
  const [row] = await writeDb<{ events: number }[]>`
    select count(*) as events from events
    where (transaction_id, position) >
      (select transaction_id, position from cursors where reader = 'outbox-relay')`;
  return row?.events ?? 0;
}

/** Products that queries show. */
export async function shownProducts({ readDb }: Bed): Promise<number> {
  const [row] = await readDb<{ products: number }[]>`select count(*) as products from products_read`;
  return row?.products ?? 0;
}

/** Asks seldom, because asking slows down the system under test. */
export async function secondsUntil(what: string, since: number, ask: () => Promise<boolean>): Promise<number> {
  await waitFor(what, ask, { within: 120_000, every: 100 });
  return (performance.now() - since) / 1000;
}
