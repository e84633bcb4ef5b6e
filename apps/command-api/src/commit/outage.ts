import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@catalogue/service';

const probeEvery = 100;

/**
 * Knows whether the event store can be used. While it cannot, commands are refused at once instead of piling up behind
 * timeouts, and one probe at a time finds out when it can be used again.
 */
export class Outage {
  readonly #probe: () => Promise<void>;
  readonly #log: Logger;
  #over: Promise<void> | undefined;

  /** @param probe resolves when the event store can be used, rejects with why it cannot. */
  constructor(probe: () => Promise<void>, log: Logger) {
    this.#probe = probe;
    this.#log = log;
  }

  get isOn(): boolean {
    return this.#over !== undefined;
  }

  /** To be called when the connection was lost, and before the first use. */
  begin(): void {
    this.#over ??= this.#probeUntilUsable();
  }

  /** Resolves with true when the outage is over, with false when it still lasts after `patience` milliseconds. */
  async isOverWithin(patience: number): Promise<boolean> {
    const ended = new AbortController();
    const tooLong = delay(patience, false, { signal: ended.signal }).catch(() => false);
    const over = await Promise.race([this.#over?.then(() => true) ?? true, tooLong]);
    ended.abort();
    return over;
  }

  async #probeUntilUsable(): Promise<void> {
    for (let last = ''; ; ) {
      try {
        await this.#probe();
        break;
      } catch (error) {
        const { message } = error as Error;
        if (message !== last) this.#log.error({ err: error }, 'The event store cannot be used; commands are refused');
        last = message;
        await delay(probeEvery, undefined, { ref: false });
      }
    }
    this.#over = undefined;
    this.#log.info('The event store can be used');
  }
}
