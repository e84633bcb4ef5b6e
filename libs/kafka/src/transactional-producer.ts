import { promisify } from 'node:util';
import kafka from '@confluentinc/kafka-javascript';
import { baseConfig, type ClientOptions, connect } from './client.ts';

/** A message of a transaction. Tests choose its partition. */
export interface TransactionalMessage {
  partition: number;
  key: string;
  value: Buffer;
}

/** Opens a producer that writes in transactions, as mirroring tools do. For tests. */
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

/** Writes one transaction after the other. `commit` or `abort` ends a transaction. */
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

  /** Disconnects. A transaction that was begun stays open. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => void this.#client.disconnect(5000, () => resolve()));
  }
}

type Done = (error?: unknown) => void;
