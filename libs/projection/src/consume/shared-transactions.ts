import type { Folded } from '../fold/outcome.ts';
import type { Tracked } from '../model.ts';
import type { ApplyOptions, Part } from './apply-batch.ts';

/** The most messages of several partitions in one transaction: as many as of one. */
const maxMessages = 1_000;
/** A part with so many messages, or more, gets its own transaction. */
const worthAlone = 100;
/** Milliseconds that parts wait for the previous transaction: if it takes longer, it may wait for a lock. */
const maxWaitMs = 20;

/** A part of a batch that is ready to be applied. */
export interface Ready {
  part: Part;
  options: ApplyOptions<Tracked>;
}

interface Waiting extends Ready {
  resolve: (folded: Folded<Tracked>) => void;
  reject: (error: unknown) => void;
}

type Apply = (parts: readonly Part[], options: ApplyOptions<Tracked>) => Promise<Folded<Tracked>>;

/**
 * Applies parts of several partitions in one transaction: under load a batch of one partition has a dozen messages, and
 * the transaction is most of its cost. A part that is ready alone does not wait. Parts that become ready during a
 * transaction form the next one. If a transaction of several parts fails for any reason, for example because one of its
 * partitions has another owner, each part is applied alone.
 */
export class SharedTransactions {
  readonly #apply: Apply;
  #waiting: Waiting[] = [];
  /** The transaction that the waiting parts wait for. */
  #underWay: Promise<unknown> | undefined;

  constructor(apply: Apply) {
    this.#apply = apply;
  }

  /** Resolves with the result for the part, or rejects with the error of applying it alone. */
  apply(ready: Ready): Promise<Folded<Tracked>> {
    if (ready.part.messages.length >= worthAlone) return this.#apply([ready.part], ready.options);
    const { promise, resolve, reject } = Promise.withResolvers<Folded<Tracked>>();
    this.#waiting.push({ ...ready, resolve, reject });
    this.#begin();
    return promise;
  }

  #begin(): void {
    if (this.#underWay !== undefined || this.#waiting.length === 0) return;
    const underWay = this.#applyTogether(this.#next());
    this.#underWay = underWay;
    const end = () => {
      clearTimeout(timer);
      if (this.#underWay !== underWay) return;
      this.#underWay = undefined;
      this.#begin();
    };
    const timer = setTimeout(end, maxWaitMs);
    void underWay.then(end);
  }

  /** As many parts as fit into a transaction, in the order of their partitions; at least one. */
  #next(): Waiting[] {
    let messages = 0;
    const fits = this.#waiting.findIndex(
      ({ part }, index) => (messages += part.messages.length) > maxMessages && index > 0,
    );
    const next = this.#waiting.splice(0, fits === -1 ? this.#waiting.length : fits);
    return next.toSorted((a, b) => a.part.partition - b.part.partition);
  }

  /** Never rejects. */
  async #applyTogether(group: readonly Waiting[]): Promise<void> {
    if (group.length > 1) {
      try {
        const folded = await this.#apply(
          group.map(({ part }) => part),
          optionsOf(group),
        );
        for (const [index, one] of split(folded, group).entries()) group[index]?.resolve(one);
        return;
      } catch {
        // The parts that cause the error meet it again alone. This try may have taken as long as a statement may.
        for (const { options } of group) options.onAnswer?.();
      }
    }
    await Promise.all(
      group.map(({ part, options, resolve, reject }) => this.#apply([part], options).then(resolve, reject)),
    );
  }
}

/** A locked row must hold up only its own partition, so a group waits for locks only briefly. */
function optionsOf(group: readonly Waiting[]): ApplyOptions<Tracked> {
  const released = group.flatMap(({ options: { maxReleased } }) => maxReleased ?? []);
  return {
    isRetry: true,
    ...(released.length > 0 ? { maxReleased: Math.min(...released) } : {}),
    onAnswer: () => {
      for (const { options } of group) options.onAnswer?.();
    },
    accept: (folded) => {
      for (const [index, one] of split(folded, group).entries()) group[index]?.options.accept?.(one);
    },
  };
}

/** Splits a result by part. The first part also gets the messages of partitions that have no part. */
function split(folded: Folded<Tracked>, group: readonly Ready[]): Folded<Tracked>[] {
  const partitions = new Set(group.map(({ part }) => part.partition));
  let from = 0;
  return group.map(({ part: { partition, messages } }, index) => {
    const isOwn = (message: { partition: number }) =>
      message.partition === partition || (index === 0 && !partitions.has(message.partition));
    return {
      ...folded,
      fates: folded.fates.slice(from, (from += messages.length)),
      parked: folded.parked.filter(isOwn),
      released: folded.released.filter(isOwn),
    };
  });
}
