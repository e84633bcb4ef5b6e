import { KafkaError } from './errors.ts';
import { type ConsumerOptions, Membership, type PartitionState } from './membership.ts';

/** A member of a group that consumes a topic in batches, with the offsets kept by whoever applies them. */
export function openConsumer(options: ConsumerOptions): Consumer {
  return new Consumer(options);
}

/** Consumes a topic, partitions in parallel, each in order. */
export class Consumer {
  readonly #options: ConsumerOptions;
  #membership: Membership | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  /**
   * Consumes until `signal` is aborted; then lets the batches under way end, leaves the group and resolves, within 10 s.
   * With the brokers away it waits; a client that is of no more use is replaced. Rejects when it can do nothing more.
   */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#membership = new Membership(this.#options);
      try {
        await this.#membership.run(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof KafkaError) || !error.fatal) throw error;
        this.#options.log.error({ err: error }, 'The Kafka client failed for good; opening another');
      }
    }
  }

  /** True when the group has given this consumer its part and a broker can be reached. */
  isConnected(): boolean {
    return this.#membership?.isConnected() ?? false;
  }

  /** What keeps the topic from being consumed, if it is known. */
  get problem(): string | undefined {
    return this.#membership?.problem;
  }

  /** The partitions this consumer has now. */
  partitions(): PartitionState[] {
    return this.#membership?.partitions() ?? [];
  }
}
