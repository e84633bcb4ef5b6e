import { ServiceProcess, type System } from '@catalogue/acceptance';
import { openProducer, type OutgoingMessage } from '@catalogue/kafka';
import { freePort } from '@catalogue/local-stack';
import type { Sql } from '@catalogue/postgres';
import { createDatabase, createTopic, type TestDatabase, type TestTopic } from '@catalogue/testing';
import { applied, measureApplied } from './applied.ts';
import type { Measurement } from './processes.ts';
import { messageOf, priceChangeOf } from './products.ts';
import type { Secured } from './secured.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const sendBatchSize = 10_000;
const maxFillMs = 300_000;

/**
 * A separate read model on the system's servers, which a worker fills from a separate topic, and a query-api on it. The worker
 * stops when it is full.
 */
export class Shop implements AsyncDisposable {
  /** Products that the worker applied a second. */
  readonly filledPerSecond: number;
  readonly ids: readonly string[];
  readonly api: ServiceProcess;
  readonly #system: System;
  readonly #database: TestDatabase;
  readonly #topic: TestTopic;
  #securedApi: Promise<ServiceProcess> | undefined;
  /** The version of the products whose prices were changed. */
  #version = 1;

  private constructor(
    system: System,
    database: TestDatabase,
    topic: TestTopic,
    api: ServiceProcess,
    ids: readonly string[],
    filledPerSecond: number,
  ) {
    this.#system = system;
    this.#database = database;
    this.#topic = topic;
    this.api = api;
    this.ids = ids;
    this.filledPerSecond = filledPerSecond;
  }

  static async open(system: System, products: number): Promise<Shop> {
    const topic = await createTopic(system.brokers);
    const database = await createDatabase(system.readDb);
    const settings = { ...system.settings, KAFKA_TOPIC: topic.name, READ_DB_DSN: database.dsn };
    await system.run('query-worker', 'migrate', [], settings);
    await send(system.brokers, topic.name, products, messageOf);
    const worker = new ServiceProcess('query-worker', await freePort(), settings);
    const filledPerSecond = await fill(worker, database.sql, products);
    // As autovacuum does within a minute.
    await database.sql`vacuum analyze products`;
    await database.sql`vacuum analyze product_names`;
    await database.sql`vacuum analyze words`;
    const rows = await database.sql<{ id: string }[]>`select id from products order by md5(id) limit 1000`;
    const api = new ServiceProcess('query-api', await freePort(), settings);
    await api.start();
    return new Shop(
      system,
      database,
      topic,
      api,
      rows.map(({ id }) => id),
      filledPerSecond,
    );
  }

  get #settings(): Record<string, string> {
    return { ...this.#system.settings, KAFKA_TOPIC: this.#topic.name, READ_DB_DSN: this.#database.dsn };
  }

  get sql(): Sql {
    return this.#database.sql;
  }

  /** A second query-api, which requires access tokens; started on first use. */
  readonly securedApi = (secured: Secured): Promise<ServiceProcess> =>
    (this.#securedApi ??= secured.start('query-api', this.#settings));

  /** Empties query-api's memory. */
  async forget(): Promise<void> {
    await this.change(1, 'none');
  }

  /** Adds changes to the change log, as the worker does. */
  async change(count: number, kind: 'updated' | 'none'): Promise<void> {
    await this.sql`
      with counter as (update change_counters set last = last + ${count} where generation = 1 returning last)
      insert into changes (generation, seq, product_id, version, kind, name, price, created_at, updated_at)
      select 1, last - ${count} + n, 'bench ' || n, 1, ${kind}, 'Mouse ergonomico', 39.90, now(), now()
      from counter, generate_series(1, ${count}::int) n`;
  }

  /** Sends new prices for the first products, and measures a worker that applies them. */
  async changePrices(count: number): Promise<Measurement> {
    const version = ++this.#version;
    await send(this.#system.brokers, this.#topic.name, count, (n) => priceChangeOf(n, version));
    await this.sql`checkpoint`;
    const already = await applied(this.sql, 1);
    const worker = new ServiceProcess('query-worker', await freePort(), this.#settings);
    worker.launch();
    try {
      return await measureApplied(this.sql, 1, already + count, { within: maxFillMs, already });
    } finally {
      await worker.stop();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.api.stop();
    await this.#database[Symbol.asyncDispose]();
    await this.#topic[Symbol.asyncDispose]();
  }
}

async function send(
  brokers: string,
  topic: string,
  products: number,
  made: (n: number) => OutgoingMessage,
): Promise<void> {
  const producer = openProducer({ brokers, clientId: 'benchmark', log: silent });
  try {
    for (let sent = 0; sent < products; sent += sendBatchSize) {
      const some = Math.min(sendBatchSize, products - sent);
      const deliveries = await producer.send(
        topic,
        Array.from({ length: some }, (_, i) => made(sent + i)),
      );
      for (const delivery of deliveries) if ('error' in delivery) throw delivery.error;
      if ((sent + some) % 100_000 === 0) console.log(`  ${sent + some} of ${products} events are in the topic`);
    }
  } finally {
    await producer.close();
  }
}

/** Resolves when the worker has applied everything, with its rate. */
async function fill(worker: ServiceProcess, sql: Sql, products: number): Promise<number> {
  worker.launch();
  try {
    const { perSecond = Number.NaN } = await measureApplied(sql, 1, products, { within: maxFillMs });
    return perSecond;
  } finally {
    await worker.stop();
  }
}
