import { setTimeout as delay } from 'node:timers/promises';
import { type ServiceProcess, System, type SystemOptions } from '@catalogue/acceptance';
import { connect, type Sql } from '@catalogue/postgres';
import type { TestDatabase } from '@catalogue/testing';
import { makeCommitsDatabase } from './floors/commits.ts';
import { RouteServer } from './floors/route.ts';
import type { Job } from './load/job.ts';
import { LoadGenerator } from './load-generator.ts';
import type { Plot } from './plot.ts';
import { coresUsed, type CpuTimes, cpuTimes, type Measurement, pidOf, residentMemory } from './processes.ts';
import { Secured } from './secured.ts';
import { Shop } from './shop.ts';

/** The durations of a run in milliseconds. */
export interface Times {
  warmUp: number;
  duration: number;
}

/** `write`: relay and worker are stopped. `whole`: everything runs. */
export type Mode = 'write' | 'whole';

const readers = ['outbox-relay', 'query-worker'] as const;
const memorySampleMs = 100;

/** The test bed: the whole catalogue on its own servers, the floors, and the load generator. */
export class Bed implements AsyncDisposable {
  readonly system: System;
  readonly times: Times;
  readonly writeDb: Sql;
  readonly readDb: Sql;
  readonly floorRoute: RouteServer;
  /** A database for the floor of commits. */
  readonly commitsDb: TestDatabase;
  /** Drawn by scenarios, the latest of a name last. */
  readonly plots: Plot[] = [];
  readonly #generator = new LoadGenerator();
  readonly #shops = new Map<number, Promise<Shop>>();
  #secured: Promise<Secured> | undefined;
  #securedApi: Promise<ServiceProcess> | undefined;
  #mode: Mode = 'whole';

  private constructor(system: System, times: Times, floorRoute: RouteServer, commitsDb: TestDatabase) {
    this.system = system;
    this.times = times;
    this.floorRoute = floorRoute;
    this.commitsDb = commitsDb;
    this.writeDb = connect(system.writeDb, { name: 'benchmark', max: 1 });
    this.readDb = connect(system.readDb, { name: 'benchmark', max: 1 });
  }

  static async start(times: Times, options: Pick<SystemOptions, 'postgresVersion' | 'servers'> = {}): Promise<Bed> {
    const system = await System.start({ ...options, durable: true });
    try {
      return new Bed(system, times, await RouteServer.start(), await makeCommitsDatabase(system.writeDb));
    } catch (error) {
      await system[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A read model with this many products and a query-api on it; made on first use. */
  shop(products: number): Promise<Shop> {
    const known = this.#shops.get(products) ?? Shop.open(this.system, products);
    this.#shops.set(products, known);
    return known;
  }

  /** Services that require access tokens, and tokens for them; made on first use. */
  secured(): Promise<Secured> {
    return (this.#secured ??= Secured.open());
  }

  /** A second command-api, which requires access tokens; started on first use. */
  securedCommandApi(): Promise<ServiceProcess> {
    return (this.#securedApi ??= this.secured().then((secured) => secured.start('command-api', this.system.settings)));
  }

  /** Stops or starts relay and worker. Before they start, the log is emptied of the events of other scenarios. */
  async enter(mode: Mode): Promise<void> {
    if (mode === this.#mode) return;
    const services = readers.map((name) => this.system.services[name]);
    if (mode === 'write') await Promise.all(services.map((service) => service.stop()));
    else {
      await this.empty();
      await Promise.all(services.map((service) => service.start()));
      await this.#seeOwnWrite();
    }
    this.#mode = mode;
  }

  /** Checks that the system works: a created product is read back. */
  async #seeOwnWrite(): Promise<void> {
    const catalogue = this.system.client();
    const { id } = await catalogue.create({ name: 'Mouse ergonomico', price: 39.9 });
    await catalogue.get(id);
  }

  /** Every run begins right after a checkpoint, and with an empty log if no relay reads it. */
  async empty(): Promise<void> {
    await this.writeDb`truncate events`;
    await this.checkpoint();
  }

  async checkpoint(): Promise<void> {
    await this.writeDb`checkpoint`;
  }

  /** Puts load on command-api; `acknowledged` includes the warm-up. */
  async load(
    job: Omit<Job, 'port' | 'expected' | keyof Times> & Partial<Job>,
  ): Promise<{ measured: Measurement; acknowledged: number }> {
    const { port } = this.system.services['command-api'];
    const expected = job.requests.kind === 'create' ? 201 : 200;
    return this.loadOn('command-api', { ...this.times, port, expected, ...job });
  }

  /** Puts load on a server, by name or process id, and measures its memory and everybody's CPU. */
  async loadOn(server: string | number, job: Job): Promise<{ measured: Measurement; acknowledged: number }> {
    const marks: (CpuTimes | undefined)[] = [];
    await using memory = watchMemory(typeof server === 'number' ? server : pidOf(server));
    const { statuses, unexpected: _, ...latencies } = await this.#generator.run(job, () => marks.push(cpuTimes()));
    const [from, to] = marks;
    const measured = { ...latencies, ...memory.highest(), ...coresUsed(from, to) };
    return { measured, acknowledged: statuses[job.expected] ?? 0 };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const shop of await Promise.allSettled(this.#shops.values()))
      if (shop.status === 'fulfilled') await shop.value[Symbol.asyncDispose]();
    await (await this.#secured)?.[Symbol.asyncDispose]();
    await Promise.all([this.#generator, this.floorRoute, this.commitsDb].map((child) => child[Symbol.asyncDispose]()));
    await Promise.all([this.writeDb.end({ timeout: 1 }), this.readDb.end({ timeout: 1 })]);
    await this.system[Symbol.asyncDispose]();
  }
}

export function watchMemory(pid: number | undefined): AsyncDisposable & { highest(): Measurement } {
  const stop = new AbortController();
  let highest: number | undefined;
  const sample = () => {
    const now = pid === undefined ? undefined : residentMemory(pid);
    if (now !== undefined) highest = Math.max(highest ?? 0, now);
  };
  const watch = async () => {
    for (;;) {
      sample();
      await delay(memorySampleMs, undefined, { signal: stop.signal });
    }
  };
  const watching = watch().catch(() => {}); // Aborted.
  return {
    highest: () => {
      sample();
      return highest === undefined ? {} : { rss: highest };
    },
    async [Symbol.asyncDispose]() {
      stop.abort();
      await watching;
    },
  };
}
