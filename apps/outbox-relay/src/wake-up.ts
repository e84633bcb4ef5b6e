import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from '@catalogue/postgres';
import { eventsAppended } from '@catalogue/event-store';
import type { Logger } from '@catalogue/service';

// Polling alone finds a lone event within this time; a hint makes it faster.
const maxPauseMs = 250;
// Events that wait behind a command in flight can be read within a millisecond or two. A transaction that is open for
// longer is not a command's: polling every millisecond took a fifth of a core and 654 statements a second.
const maxQuickPollingMs = 100;
const pauseShare = 0.1;

/** Decides when to read again. Polling finds every event; a hint only shortens the pause, and may be lost. */
export class WakeUp {
  #pause = 1;
  #hinted = false;
  #wake: () => void = () => {};

  /** Listens for hints of the event store until the returned function is called. After a lost connection, it listens again. */
  async listen(store: Sql, log: Logger): Promise<() => Promise<void>> {
    const listening = await store.listen(
      eventsAppended,
      () => this.hint(),
      () => {
        log.debug('Listening for appended events');
        this.hint();
      },
    );
    return () => listening.unlisten();
  }

  hint(): void {
    this.#hinted = true;
    this.#wake();
  }

  /**
   * Waits for a hint, a pause that grows while no events arrive, or the signal.
   * @param heldBackMs how long committed events have waited behind an open transaction; undefined if none wait. Hints
   * do not tell when that transaction ends, so the pause is then a tenth of this time, at first 1 ms.
   */
  async next(heldBackMs: number | undefined, signal: AbortSignal): Promise<void> {
    if (heldBackMs !== undefined) await delay(pauseWhenHeldBack(heldBackMs), undefined, { signal }).catch(() => {});
    else if (!this.#hinted && !signal.aborted) await this.#hintWithin(this.#pause, signal);
    this.#pause = this.#hinted || heldBackMs !== undefined ? 1 : Math.min(this.#pause * 2, maxPauseMs);
    this.#hinted = false;
  }

  async #hintWithin(maxWaitMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const timer = setTimeout(wake, maxWaitMs);
    this.#wake = wake;
    signal.addEventListener('abort', wake);
    await promise;
    // A term may last for months, so remaining listeners would accumulate.
    signal.removeEventListener('abort', wake);
    clearTimeout(timer);
  }
}

function pauseWhenHeldBack(forMs: number): number {
  return forMs < maxQuickPollingMs ? 1 : Math.min(forMs * pauseShare, maxPauseMs);
}
