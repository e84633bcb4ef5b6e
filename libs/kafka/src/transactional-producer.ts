import { promisify } from 'node:util';
import kafka from '@confluentinc/kafka-javascript';
import { baseConfig, type ClientOptions, connect } from './client.ts';

/** Messages of a transaction: each with its partition, since a test wants to know where they are. */
export interface TransactionalMessage {
  partition: number;
  key: string;
  value: Buffer;
}

/** Opens a producer that writes in transactions, as producers of other teams and mirroring tools do. For tests and tools. */
export async function openTransactionalProducer(
  options: Omit<ClientOptions, 'log'>,
  topic: string,
  transactionalId: string,
): Promise<TransactionalProducer> {
  const client = new kafka.Producer({ ...baseConfig(options), 'transactional.id': transactionalId });
  await connect(client);
  await promisify((done: Done) => client.initTransactions(30_000, done))();
  return new TransactionalProducer(client, topic);
}

/** Writes one transaction after the other. Each ends by `commit` or `abort`; whoever opened the producer closes it. */
export class TransactionalProducer {
  readonly #client: InstanceType<typeof kafka.Producer>;
  readonly #topic: string;

  constructor(client: InstanceType<typeof kafka.Producer>, topic: string) {
    this.#client = client;
    this.#topic = topic;
  }

  /** Begins a transaction and resolves when its messages are in the log. */
  async begin(messages: readonly TransactionalMessage[]): Promise<void> {
    await promisify((done: Done) => this.#client.beginTransaction(done))();
    for (const { partition, key, value } of messages) this.#client.produce(this.#topic, partition, value, key);
    await promisify((done: Done) => this.#client.flush(30_000, done))();
  }

  async commit(): Promise<void> {
    await promisify((done: Done) => this.#client.commitTransaction(30_000, done))();
  }

  async abort(): Promise<void> {
    await promisify((done: Done) => this.#client.abortTransaction(30_000, done))();
  }

  /** Leaves a transaction that was begun as it is: open. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => void this.#client.disconnect(5000, () => resolve()));
  }
}

type Done = (error?: unknown) => void;
