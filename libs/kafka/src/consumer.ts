import { KafkaError } from './errors.ts';
import { type ConsumerOptions, Membership, type PartitionState } from './membership.ts';

/** Opens a consumer of a topic, a member of a group. It delivers batches; `apply` stores the offsets with their effects. */
export function openConsumer(options: ConsumerOptions): Consumer {
  return new Consumer(options);
}

/** Consumes the partitions of a topic in parallel, each in order. */
export class Consumer {
  readonly #options: ConsumerOptions;
  #membership: Membership | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
  }

  /**
   * Consumes until `signal` is aborted; then waits for the batches under way, leaves the group and resolves, within 10 s.
   * Waits while no broker answers, and replaces a client that has failed. Rejects if a partition stalls, or if offsets cannot
   * be read.
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

  /** True if the group has assigned this consumer its partitions and a broker can be reached. */
  isConnected(): boolean {
    return this.#membership?.isConnected() ?? false;
  }

  /** Why the topic cannot be consumed; undefined if nothing is known to be wrong. */
  get problem(): string | undefined {
    return this.#membership?.problem;
  }

  /** The partitions that are assigned to this consumer now. */
  partitions(): PartitionState[] {
    return this.#membership?.partitions() ?? [];
  }
}
