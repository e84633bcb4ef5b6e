import type { Catalogue } from '@catalogue/client';
import type { Sql } from '@catalogue/postgres';
import { applyItem, giveBackItem } from '../machine/item-step.ts';
import { kept, unsentKept } from '../machine/operate.ts';
import { claimNext, hasOlderClaimer } from '../tables/claims.ts';
import { holdMs } from '../tables/due.ts';
import { readApplied, readWaiting, storeApplied, storeGivenBack } from '../tables/items.ts';
import { settleItems } from '../tables/moves.ts';
import type { PromotionRow } from '../tables/promotion-row.ts';
import {
  appliesPrice,
  markSent,
  readUnanswered,
  settleSteps,
  type Step,
  type StepAnswer,
  storeAnswers,
} from '../tables/steps.ts';
import { sendStep } from './commands.ts';
import type { Slots } from './slots.ts';

export interface Tools {
  sql: Sql;
  catalogue: Catalogue;
  /** Limits the concurrent commands of all promotions. */
  slots: Slots;
  onAnswered: (outcome: StepAnswer['outcome'] | 'unavailable') => void;
}

/** A process's turn to work on a promotion. */
interface Turn {
  signal: AbortSignal;
  /** When this process took the promotion, on the clock of `performance.now()`. */
  heldSince: number;
}

/** Steps that a round stores while it sends those that were stored before. */
const chunk = 256;
/** The most steps without an answer: those that are being sent, and those of the next round. */
const maxUnanswered = 2 * chunk;
/**
 * The most steps of a promotion under way, including those that wait for their event: each round looks for the outcome
 * of all of them. Normally a few hundred wait.
 */
const maxUnderWay = 2_000;
/** Milliseconds for sending, from when the promotion was taken. With the time of the last command, less than the hold. */
const sendMs = holdMs * 0.45;
/** Milliseconds to wait for events, doubled up to `maxEvents` while none arrive; and for command-api to be back. */
export const pauses = { events: 40, maxEvents: 1_000, unavailable: 1_000 };

/**
 * Claims some products.
 * @returns milliseconds to wait before the next claim; 0 for none.
 */
export async function claim({ sql }: Tools, row: PromotionRow): Promise<number> {
  if (await hasOlderClaimer(sql, row.id)) return pauses.events;
  await sql.begin((tx) => claimNext(tx, row.id));
  return 0;
}

/**
 * Applies the prices of some products; returns the same as `claim`.
 * @param heldSince when this process took the promotion, on the clock of `performance.now()`.
 */
export async function applySome(
  tools: Tools,
  row: PromotionRow,
  signal: AbortSignal,
  heldSince = performance.now(),
): Promise<number> {
  const { sql } = tools;
  const promotion = { id: row.id, rule: { kind: row.rule, amount: row.amount } };
  return await sendAndStore(tools, row.id, { signal, heldSince }, async (room) => {
    const waiting = await readWaiting(sql, row.id, room);
    const decided = waiting.map(({ product, known }) => ({ product, ...applyItem(promotion, product, known) }));
    if (decided.length > 0) await storeApplied(sql, row.id, decided);
    return decided.length;
  });
}

/** Gives the prices of some products back; parameters and result as for `applySome`. */
export async function giveBackSome(
  tools: Tools,
  row: PromotionRow,
  signal: AbortSignal,
  heldSince = performance.now(),
): Promise<number> {
  const { sql } = tools;
  return await sendAndStore(tools, row.id, { signal, heldSince }, async (room) => {
    // Also items that were under way when the operator decided.
    if (row.keeps) for (const settling of [...kept(['applied']), unsentKept]) await settleItems(sql, row.id, settling);
    const applied = await readApplied(sql, row.id, room);
    const decided = applied.flatMap((item) => {
      const outcome = giveBackItem(row.id, item, item.known);
      return outcome === undefined ? [] : [{ product: item.product, ...outcome }];
    });
    if (decided.length > 0) await storeGivenBack(sql, row.id, decided);
    return decided.length;
  });
}

/**
 * One round: ends the steps whose outcome is known, and sends the steps that the previous round stored. Meanwhile
 * `storeNext` stores at most `room` further steps, of products without a step, and returns the number of decided items.
 */
async function sendAndStore(
  tools: Tools,
  id: string,
  turn: Turn,
  storeNext: (room: number) => Promise<number>,
): Promise<number> {
  const { sql } = tools;
  const { settled, left } = await settleSteps(sql, id);
  let steps = await readUnanswered(sql, id, maxUnanswered);
  let done = settled;
  let underWay = left;
  const storeSome = async () => {
    const room = Math.min(chunk, maxUnanswered - steps.length, maxUnderWay - underWay);
    return await storeNext(Math.max(0, room));
  };
  if (steps.length === 0) {
    const stored = await storeSome();
    steps = await readUnanswered(sql, id, maxUnanswered);
    [done, underWay] = [done + stored, underWay + steps.length];
  }
  const [{ answers, isUndecided }, stored] = await Promise.all([sendSome(tools, id, steps, turn), storeSome()]);
  if (isUndecided || answers.some(({ outcome }) => outcome === 'retry')) return pauses.unavailable;
  return done + stored + answers.length > 0 ? 0 : pauses.events;
}

/**
 * Sends steps and stores their answers. A step that may have been sent is always carried to its outcome, even if the
 * promotion ends or is cancelled meanwhile, because a copy of it may be under way. So only steps that can be sent at
 * once are marked, and none after the first one without a decision.
 */
async function sendSome(
  { sql, catalogue, slots, onAnswered }: Tools,
  id: string,
  steps: readonly Step[],
  { signal, heldSince }: Turn,
): Promise<{ answers: StepAnswer[]; isUndecided: boolean }> {
  // Before another process may continue the promotion, no further command begins.
  const until = heldSince + sendMs;
  const answers: StepAnswer[] = [];
  const sending: Promise<void>[] = [];
  const faults: unknown[] = [];
  let isUndecided = false;
  const isOver = () => isUndecided || signal.aborted || performance.now() > until;
  const send = async (step: Step, before: number) => {
    let answer: StepAnswer | undefined;
    try {
      answer = await sendStep(catalogue, step, signal, before);
    } finally {
      // A command that the promotion's end has cut short says nothing about command-api.
      const isCut = answer === undefined && performance.now() >= before;
      isUndecided ||= answer === undefined && !isCut;
      slots.free(isCut ? undefined : answer !== undefined);
      if (!isCut) onAnswered(answer?.outcome ?? 'unavailable');
    }
    if (answer !== undefined) answers.push(answer);
  };
  for (let from = 0; from < steps.length && !isOver(); ) {
    // No more steps are marked than can be sent at once.
    let free = await slots.takeSome(steps.length - from);
    const asked = performance.now();
    try {
      if (isOver()) break;
      const sendable = await markSent(sql, id, steps.slice(from, (from += free)));
      for (const step of sendable.steps) {
        // Counted from before the statement: however long its answer took, the command is not sent after the end.
        const before = appliesPrice(step) ? asked + sendable.msLeft : Infinity;
        if (isOver() || performance.now() >= before) break;
        free -= 1;
        sending.push(send(step, before).catch((fault: unknown) => void faults.push(fault)));
      }
    } finally {
      for (; free > 0; free--) slots.free();
    }
  }
  await Promise.all(sending);
  if (answers.length > 0) await storeAnswers(sql, id, answers);
  if (faults.length > 0) throw faults[0];
  return { answers, isUndecided };
}
