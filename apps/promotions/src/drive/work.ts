import type { Catalogue } from '@catalogue/client';
import type { Sql } from '@catalogue/postgres';
import { applyItem, giveBackItem } from '../machine/item-step.ts';
import { claimNext, hasOlderClaimer } from '../tables/claims.ts';
import { holdMs } from '../tables/due.ts';
import { readApplied, readWaiting, storeApplied, storeGivenBack } from '../tables/items.ts';
import type { PromotionRow } from '../tables/promotion-row.ts';
import { readUnanswered, settleSteps, type StepAnswer, storeAnswers } from '../tables/steps.ts';
import { sendStep } from './commands.ts';
import type { Slots } from './slots.ts';

export interface Tools {
  sql: Sql;
  catalogue: Catalogue;
  /** Commands of all promotions at once. */
  slots: Slots;
  onAnswered: (outcome: StepAnswer['outcome'] | 'unavailable') => void;
}

/**
 * Items that get a step at once. A stored step is always carried to its outcome, also when the promotion ends or is cancelled
 * meanwhile, because a copy of it may be under way: so few are stored ahead.
 */
const batchSize = 64;
/** Milliseconds: until events arrive; until command-api may be back. */
const pauses = { events: 40, unavailable: 1_000 };

/**
 * Claims some products.
 * @returns milliseconds to wait before the next; 0 for none.
 */
export async function claim({ sql }: Tools, row: PromotionRow): Promise<number> {
  if (await hasOlderClaimer(sql, row.id)) return pauses.events;
  await sql.begin((tx) => claimNext(tx, row.id));
  return 0;
}

/** Applies the price of some products; returns as `claim`. */
export async function applySome(tools: Tools, row: PromotionRow, signal: AbortSignal): Promise<number> {
  const { sql } = tools;
  const settled = await settleSteps(sql, row.id);
  const waiting = await readWaiting(sql, row.id, batchSize);
  const promotion = { id: row.id, rule: { kind: row.rule, amount: row.amount } };
  const decided = waiting.map(({ product, known }) => ({ product, ...applyItem(promotion, product, known) }));
  if (decided.length > 0) await storeApplied(sql, row.id, decided);
  return await sendSome(tools, row.id, settled + decided.length, signal);
}

/** Gives the price of some products back; returns as `claim`. */
export async function giveBackSome(tools: Tools, row: PromotionRow, signal: AbortSignal): Promise<number> {
  const { sql } = tools;
  const settled = await settleSteps(sql, row.id);
  const applied = await readApplied(sql, row.id, batchSize);
  const decided = applied.map((item) => ({ product: item.product, ...giveBackItem(row.id, item, item.known) }));
  if (decided.length > 0) await storeGivenBack(sql, row.id, decided);
  return await sendSome(tools, row.id, settled + decided.length, signal);
}

/** Sends steps without an answer. `done` is how many items have moved on already. */
async function sendSome(tools: Tools, id: string, done: number, signal: AbortSignal): Promise<number> {
  const { sql, catalogue, slots, onAnswered } = tools;
  const steps = await readUnanswered(sql, id, batchSize);
  const stop = new AbortController();
  // Once command-api is unavailable, and before another process may continue the promotion, no further command begins.
  const until = performance.now() + holdMs / 2;
  const sent = steps.map((step) =>
    slots.run(async () => {
      if (stop.signal.aborted || signal.aborted || performance.now() > until) return undefined;
      const answer = await sendStep(catalogue, step, signal);
      if (answer === undefined) stop.abort();
      onAnswered(answer?.outcome ?? 'unavailable');
      return answer;
    }),
  );
  const answers = (await Promise.all(sent)).filter((answer) => answer !== undefined);
  if (answers.length > 0) await storeAnswers(sql, id, answers);
  if (stop.signal.aborted || answers.some(({ outcome }) => outcome === 'tried')) return pauses.unavailable;
  return done + answers.length > 0 ? 0 : pauses.events;
}
