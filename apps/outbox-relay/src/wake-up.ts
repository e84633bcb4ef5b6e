import type { Sql } from '@catalogue/postgres';
import { eventsAppended } from '@catalogue/event-store';
import type { Logger } from '@catalogue/service';

// Milliseconds. Hints make a lone event quick; polling alone would find it in at most this time.
const longestPause = 250;
// Events that wait behind a transaction in flight can be read within a millisecond or two.
const pauseWhenHeldBack = 1;

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

  /** Waits for a hint, a pause that grows while nothing happens, or the signal. */
  async next(heldBack: boolean, signal: AbortSignal): Promise<void> {
    if (!this.#hinted && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const wake = () => resolve();
      const timer = setTimeout(wake, heldBack ? pauseWhenHeldBack : this.#pause);
      this.#wake = wake;
      signal.addEventListener('abort', wake);
      await promise;
      // A term may last for months: listeners left behind would add up.
      signal.removeEventListener('abort', wake);
      clearTimeout(timer);
    }
    this.#pause = this.#hinted || heldBack ? 1 : Math.min(this.#pause * 2, longestPause);
    this.#hinted = false;
  }
}
