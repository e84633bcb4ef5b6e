import { setTimeout as delay } from 'node:timers/promises';
import { connect, type Sql } from '@catalogue/postgres';

/** Adds products that no command changes to the tables of the release in use, so that a migration has something to do. */
export async function addBystanders(dsn: string, count: number): Promise<void> {
  await using read = open(dsn);
  await read.sql`
    insert into products (generation, id, name, price, version, created_at, updated_at, event_id)
    select 1, 'bystander ' || n, 'Lampe ' || md5(n::text), n % 1000, 1, now(), now(), 'event ' || n
    from generate_series(1, ${count}::int) n`;
  await read.sql`
    insert into parked_events (generation, topic, partition, "offset", product_id, version, event_id, type, reason, detail, message)
    select 1, 'elsewhere', 0, n, 'parked ' || n, 2, 'event ' || n, 'ProductUpdated', 'gap', 'Version 1 is missing', '{}'
    from generate_series(1, ${count}::int) n`;
}

/** Takes them from lists and searches. */
export async function removeBystanders(dsn: string): Promise<void> {
  await using read = open(dsn);
  await read.sql`update products set discontinued = true where id like 'bystander %'`;
}

/** Watches for statements of services that wait for a lock longer than `maxWaitMs`. */
export class LockWaits implements AsyncDisposable {
  readonly #found = new Set<string>();
  readonly #stop = new AbortController();
  readonly #watching: Promise<void>;

  constructor(dsn: string, maxWaitMs: number) {
    this.#watching = this.#watch(dsn, maxWaitMs);
  }

  /** The statements that waited longer. */
  async stop(): Promise<string[]> {
    this.#stop.abort();
    await this.#watching;
    return [...this.#found];
  }

  async #watch(dsn: string, maxWaitMs: number): Promise<void> {
    await using watched = open(dsn);
    while (!this.#stop.signal.aborted) {
      const rows = await watched.sql<{ waiting: string }[]>`
        select application_name || ': ' || left(query, 200) as waiting
        from pg_locks join pg_stat_activity using (pid)
        where not granted and datname = current_database() and application_name like 'query-%'
          and waitstart < clock_timestamp() - ${maxWaitMs} * interval '1 ms'`;
      for (const { waiting } of rows) this.#found.add(waiting);
      await delay(100);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled([this.#watching]);
  }
}

/** A client of query-api that lists, searches and reads a product without a pause, and notes every answer but 200. */
export class Reading implements AsyncDisposable {
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly failures: string[] = [];
  answers = 0;

  constructor(url: string) {
    this.#running = this.#run(url);
  }

  async stop(): Promise<{ failures: string[]; answers: number }> {
    this.#stop.abort();
    await this.#running;
    return { failures: this.failures, answers: this.answers };
  }

  async #run(url: string): Promise<void> {
    const requests = [
      '/products',
      '/products?sort=-price',
      '/products?q=lampe',
      '/products?q=lmpe',
      '/products/bystander%201',
    ];
    for (let round = 0; !this.#stop.signal.aborted; round++) {
      const request = requests[round % requests.length] ?? '';
      const answer = await fetch(`${url}${request}`);
      const body = await answer.text();
      if (answer.status === 200) this.answers += 1;
      else this.failures.push(`${request}: ${answer.status} ${body}`);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.allSettled([this.#running]);
  }
}

function open(dsn: string): AsyncDisposable & { sql: Sql } {
  const sql = connect(dsn, { name: 'acceptance', max: 1 });
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
}
