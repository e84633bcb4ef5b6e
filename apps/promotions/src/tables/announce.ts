import { randomUUID } from 'node:crypto';
import type { PromotionChange } from '@catalogue/contracts';
import { appendWithin } from '@catalogue/event-store';
import type { Transaction } from '@catalogue/postgres';
import { type ItemState, noItems } from '../machine/item.ts';
import type { PromotionState } from '../machine/promotion.ts';

/** The request that caused a change, as the log and its events name it; absent if the service or its command line did. */
export interface Origin {
  requestId?: string;
  traceparent?: string;
  /** Of the access token; absent without authentication. */
  subject?: string;
}

/**
 * Appends the event of a transition to `state` to the log that a relay sends to `promotion-events`; nothing for a state
 * that only this service knows. Call it in the transaction of the transition, after its last change of items: the event
 * counts them.
 */
export async function announce(tx: Transaction, id: string, state: PromotionState, origin: Origin = {}): Promise<void> {
  const change = await changeOf(tx, id, state);
  if (change === undefined) return;
  // The migrations of promotions also create the tables of libs/event-store.
  await appendWithin(tx, id, { id: randomUUID(), ...change, schemaVersion: 1, metadata: origin });
}

interface Announced {
  name: string;
  startsAt: Date;
  endsBefore: Date;
}

async function changeOf(tx: Transaction, id: string, state: PromotionState): Promise<PromotionChange | undefined> {
  const [row] = await tx<Announced[]>`
    select name, starts_at as "startsAt", ends_before as "endsBefore" from promotions where id = ${id}`;
  if (row === undefined) throw new Error(`There is no promotion ${id}`);
  const { name } = row;
  const endsBefore = row.endsBefore.toISOString();
  switch (state) {
    case 'scheduled': {
      const { products } = await outcomeOf(tx, id);
      const period = { startsAt: row.startsAt.toISOString(), endsBefore };
      return { type: 'PromotionScheduled', payload: { id, name, ...period, products } };
    }
    case 'active':
      return { type: 'PromotionStarted', payload: { id, name, endsBefore, outcome: await outcomeOf(tx, id) } };
    case 'ended':
      return { type: 'PromotionEnded', payload: { id, name, outcome: await outcomeOf(tx, id) } };
    case 'undone':
    case 'cancelled':
    case 'missed':
      return { type: 'PromotionUndone', payload: { id, name, as: state, outcome: await outcomeOf(tx, id) } };
    case 'claiming':
    case 'refused':
    case 'applying':
    case 'reverting':
    case 'compensating':
    case 'needs-attention':
      return undefined;
    default:
      return state satisfies never;
  }
}

async function outcomeOf(tx: Transaction, id: string) {
  const rows = await tx<{ state: ItemState; items: number }[]>`
    select state, count(*)::integer as items from promotion_items where promotion = ${id} group by state`;
  const {
    applied,
    refused,
    kept,
    gone,
    'given-back': givenBack,
  } = {
    ...noItems,
    ...Object.fromEntries(rows.map(({ state, items }) => [state, items])),
  };
  const products = rows.reduce((sum, { items }) => sum + items, 0);
  return { products, applied, refused, givenBack, kept, gone };
}
