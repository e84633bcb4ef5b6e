import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from '@catalogue/postgres';
import { eventsAppended } from '@catalogue/event-store';
import type { Logger } from '@catalogue/service';

// Milliseconds. Hints make a lone event quick; polling alone would find it in at most this time.
const longestPause = 250;
// Events that wait behind a command in flight can be read within a millisecond or two. What lasts for longer is no command:
// asking every millisecond took a fifth of a core and 654 statements a second.
const quickWithin = 100;
const shareOfWait = 0.1;

/** Says when reading again is worth while. Polling is the truth: a hint only cuts the pause short, and may be lost. */
export class WakeUp {
  #pause = 1;
  #hinted = false;
  #wake: () => void = () => {};

  /** Takes hints from the event store until it is told to stop; without a connection there are none, until it is back. */
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
   * Waits for a hint, a pause that grows while nothing happens, or the signal. While committed events wait behind a
   * transaction in flight, and have for `heldBackMs` (undefined when none do), hints say nothing about when it ends: then
   * the pause is a tenth of that, 1 ms at first.
   */
  async next(heldBackMs: number | undefined, signal: AbortSignal): Promise<void> {
    if (heldBackMs !== undefined) await delay(pauseWhenHeldBack(heldBackMs), undefined, { signal }).catch(() => {});
    else if (!this.#hinted && !signal.aborted) await this.#hintWithin(this.#pause, signal);
    this.#pause = this.#hinted || heldBackMs !== undefined ? 1 : Math.min(this.#pause * 2, longestPause);
    this.#hinted = false;
  }

  async #hintWithin(milliseconds: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = () => resolve();
    const timer = setTimeout(wake, milliseconds);
    this.#wake = wake;
    signal.addEventListener('abort', wake);
    await promise;
    // A term may last for months: listeners left behind would add up.
    signal.removeEventListener('abort', wake);
    clearTimeout(timer);
  }
}

function pauseWhenHeldBack(forMs: number): number {
  return forMs < quickWithin ? 1 : Math.min(forMs * shareOfWait, longestPause);
}
