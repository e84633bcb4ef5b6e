/** The options of work that waits for its turn. */
export interface Waiting {
  /** When aborted before its turn, the work is not started. */
  signal: AbortSignal;
  /** Called when the work has to wait. */
  onWait: () => void;
}

/** Limits how much work runs at once; further work waits in order. */
export class Semaphore {
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  /** @throws the signal's reason when it is aborted before the work's turn. */
  async run<T>(work: () => Promise<T>, { signal, onWait }: Waiting): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else {
      onWait();
      await this.#turn(signal);
    }
    try {
      return await work();
    } finally {
      this.#passOn();
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const turn = Promise.withResolvers<void>();
    const leave = () => {
      if (this.#waiting.delete(turn.resolve)) turn.reject(signal.reason);
    };
    this.#waiting.add(turn.resolve);
    signal.addEventListener('abort', leave, { once: true });
    await turn.promise.finally(() => signal.removeEventListener('abort', leave));
  }

  #passOn(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free += 1;
      return;
    }
    this.#waiting.delete(next);
    next();
  }
}

/** Runs work within all of these limits. Callers with the same limits must name them in the same order. */
export async function inTurn<T>(limits: readonly Semaphore[], waiting: Waiting, work: () => Promise<T>): Promise<T> {
  const [limit, ...others] = limits;
  return limit === undefined ? await work() : await limit.run(() => inTurn(others, waiting, work), waiting);
}
