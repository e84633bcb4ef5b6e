import { setTimeout as delay } from 'node:timers/promises';
import { isPoolClosed } from '@catalogue/postgres';
import type { Logger } from '@catalogue/service';

const probeIntervalMs = 100;

/**
 * Tracks whether the event store is usable. During an outage, commands are refused at once instead of piling up behind
 * timeouts, and probes, one at a time, find out when the store is usable again.
 */
export class Outage {
  readonly #probe: () => Promise<void>;
  readonly #log: Logger;
  /** Resolves with false if the process stops before the outage is over. */
  #over: Promise<boolean> | undefined;

  /** @param probe resolves if the event store is usable; rejects with the reason if not. */
  constructor(probe: () => Promise<void>, log: Logger) {
    this.#probe = probe;
    this.#log = log;
  }

  get isOn(): boolean {
    return this.#over !== undefined;
  }

  /** Call it when a connection was lost, and before the first use. */
  begin(): void {
    this.#over ??= this.#probeUntilUsable();
  }

  /** Resolves with true when the outage is over, or with false if it still lasts after `maxWaitMs`. */
  async isOverWithin(maxWaitMs: number): Promise<boolean> {
    const ended = new AbortController();
    const tooLong = delay(maxWaitMs, false, { signal: ended.signal }).catch(() => false);
    const over = await Promise.race([this.#over ?? true, tooLong]);
    ended.abort();
    return over;
  }

  async #probeUntilUsable(): Promise<boolean> {
    for (let last = ''; ; ) {
      try {
        await this.#probe();
        break;
      } catch (error) {
        if (isPoolClosed(error)) return false;
        const { message } = error as Error;
        if (message !== last) this.#log.error({ err: error }, 'The event store cannot be used; commands are refused');
        last = message;
        await delay(probeIntervalMs, undefined, { ref: false });
      }
    }
    this.#over = undefined;
    this.#log.info('The event store can be used');
    return true;
  }
}
