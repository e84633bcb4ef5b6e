/** What runs beside a test's own steps. Disposing of it ends it, after the steps. */
export interface Beside extends AsyncDisposable {
  /** Aborts when what runs beside has to end: the steps are over, or something failed. */
  over: AbortSignal;
  /** Resolves with what the steps give; rejects as soon as they fail or what runs beside them does. */
  during<T>(steps: () => Promise<T>): Promise<T>;
  /** Tells all that runs beside to end, and resolves when it has. */
  end(): Promise<void>;
}

/**
 * Starts what runs beside a test's own steps. Whatever fails first fails the test, and the others end before the test does:
 * none meets servers that are gone, or fails unheard.
 */
export function runBeside(works: readonly ((over: AbortSignal) => Promise<unknown>)[]): Beside {
  const controller = new AbortController();
  const over = controller.signal;
  const running = works.map((work) => work(over));
  const all = Promise.all(running);
  const failed = new Promise<never>((_, reject) => void all.catch(reject));
  failed.catch(() => controller.abort());
  let steps: Promise<unknown> = Promise.resolve();
  return {
    over,
    during: async (take) => {
      const taken = take();
      steps = taken;
      return await Promise.race([taken, failed]);
    },
    end: async () => {
      controller.abort();
      await all;
    },
    [Symbol.asyncDispose]: async () => {
      controller.abort();
      await Promise.allSettled([...running, steps]);
    },
  };
}
