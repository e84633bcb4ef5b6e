import { setTimeout as delay } from 'node:timers/promises';
import { isTransient } from '@catalogue/postgres';
import type { Logger } from '@catalogue/service';
import { next } from '../machine/promotion.ts';
import { hold, nextDueIn, takeDue } from '../tables/due.ts';
import { storeMove } from '../tables/moves.ts';
import { machineOf, readPromotion } from '../tables/promotion-row.ts';
import { Quiet } from './quiet.ts';
import { applySome, claim, giveBackSome, type Tools } from './work.ts';

export interface DriverOptions extends Tools {
  log: Logger;
  onMoved: (to: string, lateMs: number) => void;
}

/** The most promotions that a process continues at once. */
const maxAtOnce = 8;
/** Milliseconds between reads of due promotions: a lost notification delays a promotion by this at most. */
const maxSleepMs = 1_000;
const retryMs = 1_000;
/** After this time a promotion makes way for others that are due. */
const turnMs = 500;

/**
 * Continues due promotions: takes some, asks the machine for the next effect of each, and carries it out. Its state is
 * in the database, so it can be killed at any point, and several processes share the work.
 */
export class Driver {
  readonly #options: DriverOptions;
  #wake: () => void = () => {};
  #isWoken = false;
  readonly #quiet = new Quiet();

  constructor(options: DriverOptions) {
    this.#options = options;
  }

  /** Looks for due promotions now. */
  wake(): void {
    this.#isWoken = true;
    this.#wake();
  }

  /** Runs until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { sql, log } = this.#options;
    const running = new Set<Promise<void>>();
    let isAway = false;
    while (!signal.aborted) {
      this.#isWoken = false;
      let sleepMs = maxSleepMs;
      try {
        const free = maxAtOnce - running.size;
        const heldSince = performance.now();
        for (const id of free > 0 ? await takeDue(sql, free) : []) {
          const task = this.#continue(id, signal, heldSince).finally(() => {
            running.delete(task);
            this.wake();
          });
          running.add(task);
        }
        if (running.size < maxAtOnce)
          sleepMs = Math.max(10, Math.min(maxSleepMs, (await nextDueIn(sql)) ?? maxSleepMs));
        isAway = false;
      } catch (err) {
        if (signal.aborted) break;
        if (!isAway) log.warn({ err }, 'Due promotions could not be read; trying again');
        isAway = true;
      }
      await this.#sleep(sleepMs, signal);
    }
    await Promise.all(running);
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#isWoken || signal.aborted) return;
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    // Aborted: the loop goes on, or ends.
    await delay(ms, undefined, { signal: AbortSignal.any([signal, woken.signal]) }).catch(() => {});
    this.#wake = () => {};
  }

  /** Continues one promotion until it has to wait. Tries again after any failure. */
  async #continue(id: string, signal: AbortSignal, heldSince: number): Promise<void> {
    const { sql, log } = this.#options;
    try {
      const waitMs = await this.#advance(id, signal, heldSince);
      await hold(sql, id, waitMs);
    } catch (err) {
      if (signal.aborted) return;
      const isOutage = isTransient(err);
      log[isOutage ? 'warn' : 'error']({ err, promotion: id }, 'A promotion was interrupted; trying again');
      await hold(sql, id, retryMs).catch(() => {}); // The hold ends by itself.
    }
  }

  /** @returns milliseconds to leave the promotion alone. */
  async #advance(id: string, signal: AbortSignal, heldSince: number): Promise<number> {
    const { sql, onMoved } = this.#options;
    const endOfTurn = performance.now() + turnMs;
    while (!signal.aborted && performance.now() < endOfTurn) {
      const view = await readPromotion(sql, id, { isExact: false });
      if (view === undefined) return 0;
      const { row, items, now } = view;
      const effect = next(machineOf(row), items, now);
      if (effect.type === 'rest') return 0;
      if (effect.type === 'move') {
        this.#quiet.end(id);
        if (await storeMove(sql, row, effect)) onMoved(effect.to, now - (row.dueAt?.getTime() ?? now));
        continue;
      }
      const work = { claim, apply: applySome, 'give-back': giveBackSome }[effect.type];
      const waitMs = this.#quiet.lengthen(id, await work(this.#options, row, signal, heldSince));
      if (waitMs > 0) return waitMs;
    }
    return 0;
  }
}
