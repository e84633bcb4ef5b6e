interface OfCaller {
  caller?: string;
}

/**
 * Commands that wait for a batch. Callers take turns: each caller's first command comes before any caller's second, and
 * so on. So at most one command of each other caller comes before a new caller's first, however many they sent. A
 * caller's own commands keep their order.
 */
export class FairQueue<C extends OfCaller> {
  readonly #byCaller = new Map<string | undefined, C[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /**
   * Whether a caller may add a command to a queue of `max`. A full queue still takes commands of callers that have less
   * than an equal share of it, up to twice `max`.
   */
  hasRoom(caller: string | undefined, max: number): boolean {
    if (this.#size < max) return true;
    const own = this.#byCaller.get(caller)?.length ?? 0;
    const callers = this.#byCaller.size + (own === 0 ? 1 : 0);
    return this.#size < 2 * max && callers > 1 && own < max / callers;
  }

  add(command: C): void {
    const { caller } = command;
    const own = this.#byCaller.get(caller);
    if (own === undefined) this.#byCaller.set(caller, [command]);
    else own.push(command);
    this.#size += 1;
  }

  /** Removes all commands, and returns them in the order of turns. */
  removeAll(): C[] {
    const queues = [...this.#byCaller.values()];
    this.#byCaller.clear();
    this.#size = 0;
    const [only = []] = queues;
    if (queues.length <= 1) return only;
    const turns: C[][] = [];
    for (const queue of queues) for (const [turn, command] of queue.entries()) (turns[turn] ??= []).push(command);
    return turns.flat();
  }
}
