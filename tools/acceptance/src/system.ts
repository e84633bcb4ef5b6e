import { execFile } from 'node:child_process';
import { globSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  freePort,
  type KafkaServer,
  type PostgresServer,
  type PostgresVersion,
  type RegistryServer,
  startKafka,
  startPostgres,
  startRegistry,
  temporaryHome,
} from '@catalogue/local-stack';
import { Catalogue, type CatalogueOptions, Promotions } from '@catalogue/client';
import { type Codec, defaultTopic, productContract } from '@catalogue/contracts';
import { connect } from '@catalogue/postgres';
import { eitherCodec, publish, type RegistryAddress, SchemaRegistry } from '@catalogue/registry';
import { type CoreService, folderOf, root, type ServiceName, ServiceProcess } from './service-process.ts';

const run = promisify(execFile);

const core: readonly CoreService[] = ['command-api', 'outbox-relay', 'query-worker', 'query-api'];

/** The servers of a system. Each can be stopped and started again, on the same data and port. */
export type ServerName = 'write-db' | 'read-db' | 'kafka' | 'registry';

export interface SystemOptions {
  /** When absent, the version in POSTGRES_VERSION. */
  postgresVersion?: PostgresVersion | undefined;
  /** True for servers that wait for the disk, as in production: of measurements. False when absent. */
  durable?: boolean;
  /** More settings of both PostgreSQL servers, as in postgresql.conf. */
  postgresSettings?: Readonly<Record<string, string>>;
  /** Whether price-history runs, too; false when absent. */
  withPrices?: boolean;
  /** Whether promotions runs, too; false when absent. Its database is on the server of the read model. */
  withPromotions?: boolean;
  /** Whether a relay sends the events of promotions to their topic, too; false when absent. */
  withPromotionEvents?: boolean;
  /** More settings of all services, as of access tokens. */
  settings?: Readonly<Record<string, string>>;
  /** How events are written; in JSON when absent. In Avro, a schema registry runs as well. */
  codec?: 'json' | 'avro' | undefined;
  /** The checkout whose builds migrate and run; this one when absent. */
  checkout?: string;
  /** Servers that run already, instead of new ones; the options of PostgreSQL then have no effect. */
  servers?: GivenServers | undefined;
}

/** The addresses of servers that somebody else runs. The databases are empty, and the topic does not exist. */
export interface GivenServers {
  writeDb: string;
  readDb: string;
  brokers: string;
  topic: string;
}

type Addresses = Omit<GivenServers, 'topic'> & {
  pricesDb: string;
  promotionsDb: string;
  topic?: string;
  registry?: string;
};
type Servers = Partial<Record<ServerName, PostgresServer | KafkaServer | RegistryServer>>;
type Starters = {
  'write-db'(): Promise<PostgresServer>;
  'read-db'(): Promise<PostgresServer>;
  kafka(): Promise<KafkaServer>;
  registry(): Promise<RegistryServer>;
};

/** The whole catalogue as it is deployed, with its own servers, ports and data; disposing of it leaves nothing behind. */
export class System implements AsyncDisposable {
  readonly services: Record<ServiceName, ServiceProcess>;
  readonly writeDb: string;
  readonly readDb: string;
  readonly pricesDb: string;
  readonly promotionsDb: string;
  readonly brokers: string;
  /** How the events on the topic are read. */
  readonly codec: Codec;
  readonly #registry: RegistryAddress;
  readonly #topic: string | undefined;
  readonly #runs: readonly ServiceName[];
  /** None for given servers. */
  readonly #servers: Servers;
  readonly #starters: Starters;
  readonly #ports: Record<ServiceName, number>;
  readonly #home: ReturnType<typeof temporaryHome>;
  readonly #more: Readonly<Record<string, string>>;

  private constructor(
    addresses: Addresses,
    servers: Servers,
    starters: Starters,
    ports: Record<ServiceName, number>,
    home: ReturnType<typeof temporaryHome>,
    beside: readonly ServiceName[],
    more: Readonly<Record<string, string>>,
  ) {
    this.#more = more;
    this.#runs = [...core, ...beside];
    this.#servers = servers;
    this.#starters = starters;
    this.#ports = ports;
    this.#home = home;
    this.writeDb = addresses.writeDb;
    this.readDb = addresses.readDb;
    this.pricesDb = addresses.pricesDb;
    this.promotionsDb = addresses.promotionsDb;
    this.brokers = addresses.brokers;
    this.#registry = { url: addresses.registry ?? '', user: '', password: '' };
    this.codec = eitherCodec({ SCHEMA_REGISTRY_URL: this.#registry.url });
    this.#topic = addresses.topic;
    const service = (name: ServiceName) => new ServiceProcess(name, ports[name], this.settings);
    this.services = {
      'command-api': service('command-api'),
      'outbox-relay': service('outbox-relay'),
      'query-worker': service('query-worker'),
      'query-api': service('query-api'),
      'price-history': service('price-history'),
      promotions: service('promotions'),
      'promotions-relay': new ServiceProcess(
        'promotions-relay',
        ports['promotions-relay'],
        this.promotionsRelaySettings,
      ),
    };
  }

  /** Starts servers, databases, migrations and services in this order; resolves when all are ready. */
  static async start(options: SystemOptions = {}): Promise<System> {
    const { postgresVersion: version, postgresSettings: settings = {}, durable = false, checkout = root } = options;
    const { withPrices = false, withPromotions = false, withPromotionEvents = false, codec = 'json' } = options;
    const beside = [
      ...(withPrices ? ['price-history' as const] : []),
      ...(withPromotions ? ['promotions' as const] : []),
      ...(withPromotionEvents ? ['promotions-relay' as const] : []),
    ];
    const home = temporaryHome();
    const ports = {
      write: await freePort(),
      read: await freePort(),
      kafka: await freePort(),
      controller: await freePort(),
      registry: await freePort(),
    };
    const postgres = (name: 'write-db' | 'read-db', port: number) =>
      startPostgres({ home: home.path, name, port, version, durable, settings });
    const starters = {
      'write-db': () => postgres('write-db', ports.write),
      'read-db': () => postgres('read-db', ports.read),
      kafka: () => startKafka({ home: home.path, port: ports.kafka, controllerPort: ports.controller }),
      registry: () => startRegistry({ home: home.path, port: ports.registry }),
    };
    const { addresses, servers } = options.servers
      ? {
          addresses: { ...options.servers, pricesDb: options.servers.readDb, promotionsDb: options.servers.readDb },
          servers: {},
        }
      : await startServers(starters, codec);
    const system = new System(
      addresses,
      servers,
      starters,
      {
        'command-api': await freePort(),
        'outbox-relay': await freePort(),
        'query-worker': await freePort(),
        'query-api': await freePort(),
        'price-history': await freePort(),
        promotions: await freePort(),
        'promotions-relay': await freePort(),
      },
      home,
      beside,
      options.settings ?? {},
    );
    try {
      await system.#createDatabases();
      await system.migrate(checkout);
      await system.#publishSchemas();
      for (const service of Object.values(system.services)) service.checkout = checkout;
      await Promise.all(system.running.map((service) => service.start()));
      return system;
    } catch (error) {
      await system[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The services that this system runs. */
  get running(): ServiceProcess[] {
    return this.#runs.map((name) => this.services[name]);
  }

  get withPrices(): boolean {
    return this.#runs.includes('price-history');
  }

  get withPromotions(): boolean {
    return this.#runs.includes('promotions');
  }

  get withPromotionEvents(): boolean {
    return this.#runs.includes('promotions-relay');
  }

  /** Whether events are in Avro. */
  get withRegistry(): boolean {
    return this.#registry.url !== '';
  }

  get settings(): Record<string, string> {
    return {
      WRITE_DB_DSN: this.writeDb,
      READ_DB_DSN: this.readDb,
      ...(this.withPrices ? this.#priceSettings : {}),
      ...(this.withPromotions ? this.#promotionSettings : {}),
      KAFKA_BROKER: this.brokers,
      AUTH: 'off',
      ...(this.#topic === undefined ? {} : { KAFKA_TOPIC: this.#topic }),
      ...(this.withRegistry ? { SCHEMA_REGISTRY_URL: this.#registry.url, EVENT_CODEC: 'avro' } : {}),
      COMMAND_API_URL: `http://127.0.0.1:${this.#ports['command-api']}`,
      CORS_ORIGINS: `http://127.0.0.1:${this.#ports['query-api']}`,
      ...this.#more,
    };
  }

  /** Its log is the database of promotions; its events are in JSON. */
  get promotionsRelaySettings(): Record<string, string> {
    const { KAFKA_TOPIC: _topic, EVENT_CODEC: _codec, SCHEMA_REGISTRY_URL: _registry, ...settings } = this.settings;
    return { ...settings, WRITE_DB_DSN: this.promotionsDb, RELAY_NAME: 'promotions-relay', RELAY_EVENTS: 'promotions' };
  }

  /** New products may be reduced, as under `npm start`. */
  get #priceSettings(): Record<string, string> {
    return {
      PRICES_DB_DSN: this.pricesDb,
      PRICES_URL: `http://127.0.0.1:${this.#ports['price-history']}`,
      PRICE_MARKETS: '{"EU": {"zone": "Europe/Brussels", "rules": ["new-products"]}}',
    };
  }

  get #promotionSettings(): Record<string, string> {
    return {
      PROMOTIONS_DB_DSN: this.promotionsDb,
      PROMOTIONS_URL: `http://127.0.0.1:${this.#ports.promotions}`,
    };
  }

  /** A new client of the system's promotions. */
  promotionsClient(): Promotions {
    return new Promotions({ promotions: this.services.promotions.url });
  }

  /** A new client of the system. */
  client(options: Partial<CatalogueOptions> = {}): Catalogue {
    const { 'command-api': commandApi, 'query-api': queryApi, 'price-history': prices } = this.services;
    const addresses = { commands: commandApi.url, queries: queryApi.url, prices: prices.url };
    return new Catalogue({ ...addresses, ...options });
  }

  /** Runs what `npm run migrate` runs, from the builds. */
  async migrate(checkout = root): Promise<void> {
    const beside = (['price-history', 'promotions'] as const).filter((name) => this.#runs.includes(name));
    const apps = ['command-api', 'query-worker', 'outbox-relay', ...beside] as const;
    // At once, as by nx: they are independent, and each is mostly the start of a process.
    await Promise.all(apps.map((app) => this.run(app, 'migrate', [], this.settings, checkout)));
    if (this.withPromotionEvents) {
      await this.run('promotions-relay', 'migrate', [], this.promotionsRelaySettings, checkout);
    }
  }

  /** Runs another program of a service, as an operator would, and returns its output. */
  async run(
    service: ServiceName,
    program: string,
    args: string[] = [],
    settings = this.settings,
    checkout = root,
  ): Promise<string> {
    const env = { ...settings, PATH: process.env['PATH'] ?? '' };
    const command = [`apps/${folderOf(service)}/dist/${program}.js`, ...args];
    return (await run(process.execPath, command, { cwd: checkout, env })).stdout;
  }

  /** The data folder of a PostgreSQL server, which also has its log if it logs to files. */
  dataOf(name: 'write-db' | 'read-db'): string {
    return join(this.#home.path, name);
  }

  /** The bytes of a topic on the broker's disk; undefined for a broker that is given. */
  bytesOf(topic: string): number | undefined {
    if (this.#servers.kafka === undefined) return undefined;
    const segments = globSync(`kafka/data/${topic}-*/*.log`, { cwd: this.#home.path });
    return segments.reduce((sum, file) => sum + statSync(join(this.#home.path, file)).size, 0);
  }

  /** Kills a server. */
  async crash(name: ServerName): Promise<void> {
    const server = this.#own(name);
    server.kill('SIGKILL');
    await server.exited;
  }

  /** Stops a server in order. */
  async stop(name: ServerName): Promise<void> {
    await this.#own(name).stop();
  }

  /** Freezes a server: it does not answer, and ends no connection. Returns the function that thaws it. */
  freeze(name: ServerName): () => void {
    const { pid } = this.#own(name);
    // PostgreSQL's sessions are separate processes.
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
    const signal = (how: NodeJS.Signals) => {
      for (const each of [pid, ...children]) process.kill(each, how);
    };
    signal('SIGSTOP');
    return () => signal('SIGCONT');
  }

  /** Starts a stopped server again. */
  async start(name: ServerName): Promise<void> {
    this.#servers[name] = await this.#starters[name]();
  }

  #own(name: ServerName): PostgresServer | KafkaServer | RegistryServer {
    const server = this.#servers[name];
    if (server === undefined) throw new Error(`${name} is not a server of this system`);
    return server;
  }

  /** As a release does, before its services start. */
  async #publishSchemas(): Promise<void> {
    if (this.withRegistry)
      await publish(new SchemaRegistry(this.#registry), productContract, this.#topic ?? defaultTopic);
  }

  /** On servers of its own. */
  async #createDatabases(): Promise<void> {
    if (this.#servers.kafka === undefined) return;
    const dsns = [
      this.writeDb,
      this.readDb,
      ...(this.withPrices ? [this.pricesDb] : []),
      ...(this.withPromotions ? [this.promotionsDb] : []),
    ];
    for (const dsn of dsns) await createDatabase(new URL(dsn));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(Object.values(this.services).map((service) => service.kill()));
    await Promise.all(Object.values(this.#servers).map((server) => server.stop()));
    this.#home.remove();
  }
}

async function startServers(
  starters: Starters,
  codec: 'json' | 'avro',
): Promise<{ addresses: Addresses; servers: Servers }> {
  const [writeDb, readDb, kafka, registry] = await Promise.all([
    starters['write-db'](),
    starters['read-db'](),
    starters.kafka(),
    codec === 'avro' ? starters.registry() : undefined,
  ]);
  const addresses = {
    writeDb: writeDb.dsn('catalogue_write'),
    readDb: readDb.dsn('catalogue_read'),
    pricesDb: readDb.dsn('catalogue_prices'),
    promotionsDb: readDb.dsn('catalogue_promotions'),
    brokers: kafka.brokers,
    ...(registry === undefined ? {} : { registry: registry.url }),
  };
  const servers = { 'write-db': writeDb, 'read-db': readDb, kafka, ...(registry === undefined ? {} : { registry }) };
  return { addresses, servers };
}

async function createDatabase(dsn: URL): Promise<void> {
  const name = dsn.pathname.slice(1);
  const server = new URL(dsn);
  server.pathname = '/postgres';
  const sql = connect(server.href, { name: 'acceptance', max: 1 });
  await sql`create database ${sql(name)}`;
  await sql.end();
}
