import { type PromotionEvent, promotionTopic } from '@catalogue/contracts';
import { connect } from '@catalogue/postgres';
import { readTopic } from '@catalogue/testing';
import type { System } from './system.ts';

/** A message on the topic of promotions, as far as the oracle compares it. */
export type Announced = Pick<PromotionEvent, 'id' | 'type' | 'promotionVersion' | 'payload'>;

/** A move in the log of a promotion. */
export interface LoggedMove {
  promotion: string;
  from: string | null;
  to: string;
}

const typeOf: Readonly<Record<string, PromotionEvent['type']>> = {
  scheduled: 'PromotionScheduled',
  active: 'PromotionStarted',
  ended: 'PromotionEnded',
  undone: 'PromotionUndone',
  cancelled: 'PromotionUndone',
  missed: 'PromotionUndone',
};

/**
 * Waits until as many different events of promotions are on their topic as the log has moves to announce. Returns in a
 * sentence each that is missing, precedes its predecessor, or differs from the log.
 */
export async function findMisannounced(
  { promotionsDb, brokers }: Pick<System, 'promotionsDb' | 'brokers'>,
  ids: readonly string[],
): Promise<string[]> {
  const sql = connect(promotionsDb, { name: 'oracle', max: 1 });
  try {
    const moves = await sql<LoggedMove[]>`
      select promotion, from_state as "from", to_state as "to" from promotion_log
      where promotion = any(${ids as string[]}::uuid[]) order by seq`;
    const expected = announcementsOf(moves);
    const count = [...expected.values()].reduce((sum, types) => sum + types.length, 0);
    const read = await readTopic(brokers, promotionTopic, count, ({ value }) => JSON.parse(String(value)) as Announced);
    return misannounced(expected, read);
  } catch (error) {
    return [`The events of promotions: ${String(error)}`];
  } finally {
    await sql.end();
  }
}

/** The types of the events of each promotion, in order. What is refused or cancelled while it claims its products has none. */
export function announcementsOf(moves: readonly LoggedMove[]): Map<string, PromotionEvent['type'][]> {
  const expected = new Map<string, PromotionEvent['type'][]>();
  for (const { promotion, from, to } of moves) {
    const type = typeOf[to];
    if (type === undefined || from === to || (from === 'claiming' && to !== 'scheduled')) continue;
    expected.set(promotion, [...(expected.get(promotion) ?? []), type]);
  }
  return expected;
}

/** Repetitions are allowed, with the same id; a version before its predecessor, or another event of a version, is not. */
export function misannounced(expected: ReadonlyMap<string, readonly string[]>, read: readonly Announced[]): string[] {
  const violations: string[] = [];
  const told = new Map<string, Announced[]>();
  for (const event of read) {
    const { id, type, promotionVersion, payload } = event;
    const events = told.get(payload.id) ?? [];
    const known = events[promotionVersion - 1];
    if (known !== undefined && known.id !== id) {
      violations.push(`The topic has two events of version ${promotionVersion} of promotion ${payload.id}`);
    } else if (known === undefined && promotionVersion !== events.length + 1) {
      violations.push(`The topic has version ${promotionVersion} of promotion ${payload.id} after ${events.length}`);
    } else if (known === undefined) {
      events.push(event);
    }
    if (expected.get(payload.id)?.[promotionVersion - 1] !== type) {
      violations.push(
        `The topic has ${type} as version ${promotionVersion} of promotion ${payload.id}, its log has not`,
      );
    }
    told.set(payload.id, events);
  }
  for (const [promotion, types] of expected) {
    for (const type of types.slice(told.get(promotion)?.length ?? 0)) {
      violations.push(`The topic has no ${type} of promotion ${promotion}`);
    }
  }
  return violations;
}
