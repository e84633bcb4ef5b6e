import { setTimeout as delay } from 'node:timers/promises';
import type { Codec } from '@catalogue/contracts';
import type { MessageBatch } from '@catalogue/kafka';
import { backoffMs, type Logger } from '@catalogue/service';

const backoff = { firstMs: 100, maxMs: 2_000 };

/**
 * Waits until a codec can read messages, without a limit. A message is not parked because the registry does not give
 * its schema.
 */
export class SchemaWait {
  readonly #codec: Codec;
  readonly #log: Pick<Logger, 'info' | 'warn'>;
  /** Why each waiting batch waits. */
  readonly #reasons = new Map<object, string>();

  constructor(codec: Codec, log: Pick<Logger, 'info' | 'warn'>) {
    this.#codec = codec;
    this.#log = log;
  }

  /** True if the codec needs schemas. */
  get isNeeded(): boolean {
    return this.#codec.prepareToDecode !== undefined;
  }

  /** Why batches wait; undefined while none does. */
  get reason(): string | undefined {
    return this.#reasons.values().next().value;
  }

  /** Resolves when the codec can read the batch. Rejects when the batch's signal is aborted. */
  async until(batch: Pick<MessageBatch, 'messages' | 'signal' | 'progress'>): Promise<void> {
    try {
      for (let attempt = 0; ; attempt++) {
        const failure = await this.#try(batch);
        if (failure === undefined) return;
        batch.signal.throwIfAborted();
        if (!this.#reasons.has(batch)) this.#log.warn({ err: failure }, 'Waiting for the schemas of messages');
        this.#reasons.set(batch, failure.message);
        batch.progress.moved();
        await delay(backoffMs(attempt, backoff), undefined, { signal: batch.signal });
      }
    } finally {
      if (this.#reasons.delete(batch) && this.#reasons.size === 0) this.#log.info('No message waits for its schema');
    }
  }

  async #try({ messages }: Pick<MessageBatch, 'messages'>): Promise<Error | undefined> {
    try {
      await this.#codec.prepareToDecode?.(messages.map(({ value }) => value));
      return undefined;
    } catch (error) {
      return error as Error;
    }
  }
}
