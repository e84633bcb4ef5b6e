import type { Catalogue } from '@catalogue/client';
import type { Sql } from '@catalogue/postgres';
import { applyItem, giveBackItem } from '../machine/item-step.ts';
import { kept } from '../machine/operate.ts';
import { claimNext, hasOlderClaimer } from '../tables/claims.ts';
import { holdMs } from '../tables/due.ts';
import { readApplied, readWaiting, storeApplied, storeGivenBack } from '../tables/items.ts';
import { settleItems } from '../tables/moves.ts';
import type { PromotionRow } from '../tables/promotion-row.ts';
import { markSent, readUnanswered, settleSteps, type Step, type StepAnswer, storeAnswers } from '../tables/steps.ts';
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
 * Steps without an answer at once. A step that may have been sent is always carried to its outcome, also when the promotion ends or is
 * cancelled meanwhile, because a copy of it may be under way: so few are stored ahead.
 */
const batchSize = 64;
/**
 * Steps of a promotion under way at once, with those that wait for their event: each round looks for the outcome of all of them. In
 * normal times a few hundred wait.
 */
const maxUnderWay = 1_000;
/** Steps that a round sends first: while command-api is away, no more than these may have been sent. */
const triedFirst = 4;
/** Milliseconds: until events arrive, doubled while none do; until command-api may be back. */
export const pauses = { events: 40, maxEvents: 1_000, unavailable: 1_000 };

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
  const { settled, room } = await settleSome(sql, row.id);
  const waiting = await readWaiting(sql, row.id, room);
  const promotion = { id: row.id, rule: { kind: row.rule, amount: row.amount } };
  const decided = waiting.map(({ product, known }) => ({ product, ...applyItem(promotion, product, known) }));
  if (decided.length > 0) await storeApplied(sql, row.id, decided);
  return await sendSome(tools, row.id, settled + decided.length, signal);
}

/** Gives the price of some products back; returns as `claim`. */
export async function giveBackSome(tools: Tools, row: PromotionRow, signal: AbortSignal): Promise<number> {
  const { sql } = tools;
  const { settled, room } = await settleSome(sql, row.id);
  // Those that were under way when an operator decided.
  if (row.keeps) for (const settling of kept(['applied'])) await settleItems(sql, row.id, settling);
  const applied = await readApplied(sql, row.id, room);
  const decided = applied.flatMap((item) => {
    const outcome = giveBackItem(row.id, item, item.known);
    return outcome === undefined ? [] : [{ product: item.product, ...outcome }];
  });
  if (decided.length > 0) await storeGivenBack(sql, row.id, decided);
  return await sendSome(tools, row.id, settled + decided.length, signal);
}

/** Ends the steps whose outcome is known. `room`: how many new ones can be stored. */
async function settleSome(sql: Sql, id: string): Promise<{ settled: number; room: number }> {
  const { settled, left } = await settleSteps(sql, id);
  const unanswered = await readUnanswered(sql, id, batchSize);
  return { settled, room: Math.max(0, Math.min(batchSize - unanswered.length, maxUnderWay - left)) };
}

/** Sends steps without an answer, a few of them first. `done` is how many items have moved on already. */
async function sendSome(tools: Tools, id: string, done: number, signal: AbortSignal): Promise<number> {
  const steps = await readUnanswered(tools.sql, id, batchSize);
  // Once command-api is unavailable, and before another process may continue the promotion, no further command begins.
  const until = performance.now() + holdMs / 2;
  const stop = new AbortController();
  const answers: StepAnswer[] = [];
  for (const some of [steps.slice(0, triedFirst), steps.slice(triedFirst)]) {
    if (some.length === 0 || stop.signal.aborted || signal.aborted || performance.now() > until) break;
    const sendable = await markSent(tools.sql, id, some);
    answers.push(...(await sendAll(tools, sendable, { stop, until, signal })));
  }
  if (answers.length > 0) await storeAnswers(tools.sql, id, answers);
  if (stop.signal.aborted || answers.some(({ outcome }) => outcome === 'tried')) return pauses.unavailable;
  return done + answers.length > 0 ? 0 : pauses.events;
}

/** Sends steps, as many at once as there are slots, until `stop` is aborted: by the first that is not decided on. */
async function sendAll(
  { catalogue, slots, onAnswered }: Tools,
  steps: readonly Step[],
  { stop, until, signal }: { stop: AbortController; until: number; signal: AbortSignal },
): Promise<StepAnswer[]> {
  const sent = steps.map((step) =>
    slots.run(async () => {
      if (stop.signal.aborted || signal.aborted || performance.now() > until) return undefined;
      const answer = await sendStep(catalogue, step, signal);
      if (answer === undefined) stop.abort();
      onAnswered(answer?.outcome ?? 'unavailable');
      return answer;
    }),
  );
  return (await Promise.all(sent)).filter((answer) => answer !== undefined);
}
