import { Catalogue, Promotions } from '@catalogue/client';
import { freePort } from '@catalogue/local-stack';
import type { Sql } from '@catalogue/postgres';
import { createDatabase, createTopic, type OwnProcess, startProcess, waitFor } from '@catalogue/testing';
import { vi } from 'vitest';
import { migratePromotions } from '../src/tables/migrate.ts';

/** Room for a machine that is busy with others. */
const patienceMs = 200_000;
// A test waits up to five times as long, a hook twice: the wait that fails says what did not come.
vi.setConfig({ testTimeout: 6 * patienceMs, hookTimeout: 3 * patienceMs });

type Name = 'command-api' | 'outbox-relay' | 'promotions' | 'promotions-2';

const program = (app: string, file: string) => new URL(`../../${app}/src/${file}.ts`, import.meta.url);

/** An answer of promotions. */
export interface Answer {
  status: number;
  headers: Headers;
  body: Record<string, unknown> & { id: string; state: string; version: number; items: Record<string, number> };
}

/**
 * The real services from command-api to promotions, as processes on real servers with data of this test. Each can be killed and
 * started again.
 */
export class Pipeline implements AsyncDisposable {
  readonly sql: Sql;
  readonly events: Sql;
  readonly catalogue: Catalogue;
  readonly promotions: Promotions;
  readonly #ports: Record<Name, number>;
  /** The settings of services that are started from now on. */
  readonly env: Record<string, string>;
  readonly #running = new Map<Name, OwnProcess>();
  readonly #ended = new Set<OwnProcess>();
  readonly #owned: AsyncDisposableStack;

  private constructor(parts: {
    sql: Sql;
    events: Sql;
    ports: Record<Name, number>;
    env: Record<string, string>;
    owned: AsyncDisposableStack;
  }) {
    this.sql = parts.sql;
    this.events = parts.events;
    this.#ports = parts.ports;
    this.env = parts.env;
    this.#owned = parts.owned;
    const commands = this.#url('command-api');
    this.catalogue = new Catalogue({ commands, queries: commands, readYourWrites: false });
    this.promotions = new Promotions({ promotions: this.#url('promotions') });
  }

  static async start(servers: { writeDb: string; readDb: string; kafka: string }): Promise<Pipeline> {
    await using owned = new AsyncDisposableStack();
    const topic = owned.use(await createTopic(servers.kafka));
    // On another server than the events: transactions of promotions must not hold back events.
    const db = owned.use(await createDatabase(servers.readDb, migratePromotions));
    const store = owned.use(await createDatabase(servers.writeDb));
    const ports = {
      'command-api': await freePort(),
      'outbox-relay': await freePort(),
      promotions: await freePort(),
      'promotions-2': await freePort(),
    };
    const env = {
      WRITE_DB_DSN: store.dsn,
      PROMOTIONS_DB_DSN: db.dsn,
      KAFKA_BROKER: servers.kafka,
      KAFKA_TOPIC: topic.name,
      COMMAND_API_URL: `http://127.0.0.1:${ports['command-api']}`,
      AUTH: 'off',
      HOST: '127.0.0.1',
      LOG_LEVEL: 'warn',
    };
    await using migration = startProcess(program('command-api', 'migrate'), [], env);
    if ((await migration.exited) !== 0) throw new Error(migration.stderr());
    const pipeline = new Pipeline({ sql: db.sql, events: store.sql, ports, env, owned: owned.move() });
    await pipeline.run('command-api', 'outbox-relay', 'promotions');
    return pipeline;
  }

  #url(name: Name): string {
    return `http://127.0.0.1:${this.#ports[name]}`;
  }

  /** Starts services, and resolves when they are ready. */
  async run(...names: Name[]): Promise<void> {
    await Promise.all(names.map((name) => this.runWith(name, {})));
  }

  /** Starts a service with more settings, and resolves when it is ready. */
  async runWith(name: Name, settings: Record<string, string>): Promise<void> {
    const env = { ...this.env, ...settings, PORT: String(this.#ports[name]) };
    const started = startProcess(program(name.replace('-2', ''), 'main'), [], env);
    this.#running.set(name, started);
    void started.exited.then(() => this.#ended.add(started));
    await waitFor(
      `${name} to be ready`,
      async () => {
        const answer = await fetch(`${this.#url(name)}/health/ready`).catch(() => undefined);
        const log = this.logOf(name);
        if (log.includes('"level":60') || log.includes('Error')) throw new Error(log);
        return answer?.ok;
      },
      { within: patienceMs },
    );
  }

  /** Whether the process of a service has ended, by itself or not. */
  hasEnded(name: Name): boolean {
    const running = this.#running.get(name);
    return running !== undefined && this.#ended.has(running);
  }

  /** The exit code of a process that has ended, or the signal that ended it. */
  async exitOf(name: Name): Promise<number | string | undefined> {
    return await this.#running.get(name)?.exited;
  }

  signal(name: Name, signal: NodeJS.Signals): void {
    this.#running.get(name)?.kill(signal);
  }

  /** Stops a service as a deployment does; resolves with its exit code. */
  async stop(name: Name): Promise<number | string | undefined> {
    const running = this.#running.get(name);
    running?.kill('SIGTERM');
    return await this.exitOf(name);
  }

  /** Runs a command of the operator's tool of promotions; returns its output. */
  async tool(...args: string[]): Promise<string> {
    await using tool = startProcess(program('promotions', 'cli'), args, this.env);
    if ((await tool.exited) !== 0) throw new Error(tool.stdout() + tool.stderr());
    return tool.stdout();
  }

  /** Kills a service at once, and resolves when it has ended. */
  async kill(name: Name): Promise<void> {
    const running = this.#running.get(name);
    running?.kill('SIGKILL');
    await running?.exited;
  }

  /** What a service has written to its log. */
  logOf(name: Name): string {
    const running = this.#running.get(name);
    return `${running?.stdout() ?? ''}${running?.stderr() ?? ''}`;
  }

  /** Creates products with these prices, and resolves when promotions knows them. */
  async create(...prices: number[]): Promise<string[]> {
    const ids: string[] = [];
    for (let i = 0; i < prices.length; i += 32) {
      const some = prices.slice(i, i + 32).map((price) => this.catalogue.create({ name: 'Product', price }));
      for (const { id } of await Promise.all(some)) ids.push(id);
    }
    await waitFor('promotions to know the products', async () => {
      const [known] = await this
        .sql`select count(*)::integer as n from product_prices_read where id = any(${ids}::text[])`;
      return known?.['n'] === ids.length;
    });
    return ids;
  }

  /** Resolves when promotions knows the product's price. */
  async knows(id: string, price: number): Promise<void> {
    await waitFor(`promotions to know the price ${price}`, async () => {
      const [known] = await this.sql`select cents::float8 from product_prices_read where id = ${id}`;
      return known?.['cents'] === price * 100;
    });
  }

  async ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const response = await fetch(`${this.#url('promotions')}${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? {} : JSON.parse(text)) as Answer['body'],
    };
  }

  /** Schedules a promotion of 20% from now on, for so many milliseconds; throws unless it is accepted. */
  async schedule(products: string[], forMs: number, more: object = {}): Promise<string> {
    const startsAt = new Date();
    const period = { startsAt, endsBefore: new Date(startsAt.getTime() + forMs) };
    const asked = { name: 'Sale', products, percent: 20, onRefusal: 'skip', ...period, ...more };
    const { status, body } = await this.ask('POST', '/promotions', asked);
    if (status !== 202) throw new Error(`Not scheduled: ${JSON.stringify(body)}`);
    return body.id;
  }

  /** Starts a scheduled promotion. A start of some seconds ahead may come before what a test does until then. */
  async startNow(id: string): Promise<void> {
    await this.sql`
      with started as (update promotions set starts_at = now(), due_at = now() where id = ${id} returning *)
      update claims set during = tstzrange(now(), upper(during)) from started where promotion = started.id`;
  }

  /** Ends an active promotion by moving its end to now. */
  async endNow(id: string): Promise<void> {
    await this.sql`update promotions set ends_before = now(), due_at = now() where id = ${id}`;
  }

  /** Moves the end of a promotion to so many milliseconds from now; again if the request arrives after them. */
  async endIn(id: string, ms: number): Promise<void> {
    await waitFor(`the end of promotion ${id} to be moved`, async () => {
      const { status } = await this.ask('PATCH', `/promotions/${id}`, { endsBefore: new Date(Date.now() + ms) });
      return status === 200;
    });
  }

  /** Resolves with the promotion once it is in the state. */
  async reaches(id: string, ...states: string[]): Promise<Answer['body']> {
    return await waitFor(
      `promotion ${id} to be ${states.join(' or ')}`,
      async () => {
        const { status, body } = await this.ask('GET', `/promotions/${id}`).catch(() => ({
          status: 0,
          body: undefined,
        }));
        return status === 200 && body !== undefined && states.includes(body.state) ? body : undefined;
      },
      { within: patienceMs },
    );
  }

  /** The current prices, in the order of the ids, folded from the event store. */
  async prices(ids: readonly string[]): Promise<(number | undefined)[]> {
    const rows = await this.events<{ stream: string; price: number }[]>`
      select distinct on (stream) stream, (payload ->> 'price')::float8 as price from events
      where stream = any(${ids as string[]}) and payload ? 'price' order by stream, version desc`;
    const byId = new Map(rows.map(({ stream, price }) => [stream, price]));
    return ids.map((id) => byId.get(id));
  }

  /** How often each step changed a product, by its request id: never more than once. */
  async changesByStep(promotion: string): Promise<number[]> {
    const rows = await this.events<{ changes: number }[]>`
      select count(*)::integer as changes from events
      where metadata ->> 'requestId' like ${`${promotion}/%`} group by metadata ->> 'requestId'`;
    return rows.map(({ changes }) => changes);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const running of this.#running.values()) running.kill('SIGKILL');
    await Promise.all([...this.#running.values()].map(({ exited }) => exited));
    await this.#owned.disposeAsync();
  }
}
