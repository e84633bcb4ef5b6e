import { randomUUID } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { freePort, temporaryHome } from '@catalogue/local-stack';
import { connect } from '@catalogue/postgres';
import {
  audience,
  type Certificate,
  clientSecret,
  createAuthority,
  type Issuer,
  type OwnProcess,
  type SecuredKafka,
  type SecuredPostgres,
  startIssuer,
  startProcess,
  startSecuredKafka,
  startSecuredPostgres,
  waitFor,
} from '@catalogue/testing';
import { root } from './service-process.ts';

/** The services of a secured system: their roles and users, and what they connect to. */
const services = {
  'command-api': { role: 'command_api', database: ['WRITE_DB_DSN', 'catalogue_write'] },
  'outbox-relay': { role: 'outbox_relay', database: ['WRITE_DB_DSN', 'catalogue_write'], usesKafka: true },
  'query-worker': { role: 'query_worker', database: ['READ_DB_DSN', 'catalogue_read'], usesKafka: true },
  'query-api': { role: 'query_api', database: ['READ_DB_DSN', 'catalogue_read'] },
  'price-history': { role: 'price_history', database: ['PRICES_DB_DSN', 'catalogue_prices'], usesKafka: true },
  promotions: { role: 'promotions', database: ['PROMOTIONS_DB_DSN', 'catalogue_promotions'], usesKafka: true },
  'promotions-relay': { role: 'promotions_relay', database: ['WRITE_DB_DSN', 'catalogue_promotions'], usesKafka: true },
} as const;
export type SecuredService = keyof typeof services;
const names = Object.keys(services) as SecuredService[];
const migrator = 'catalogue-migrate';

/** The lines of a key in PEM format. */
function linesOf(key: string): string[] {
  return key.split('\n').filter((line) => /^[A-Za-z0-9+/=]{16,}$/.test(line));
}

/** The blocks of code of one kind on a page of docs/how-to. */
export function blocksOf(page: string, kind: string): string[] {
  const text = readFileSync(join(root, `docs/how-to/${page}.md`), 'utf8');
  const blocks = text.matchAll(/^ *```(\w*)\n([\s\S]*?)^ *```/gm);
  return [...blocks].flatMap(([, found, body = '']) => (found === kind ? [body.replaceAll(/^ +/gm, '')] : []));
}

/**
 * All services as processes, each with a role, a user and an address of its own, behind TLS, ACLs and access tokens. They, the
 * issuer, PostgreSQL and Kafka have certificates of a private authority, which this process trusts as well. Their rights
 * are those of docs/how-to/database-roles.md: its commands are run.
 */
export class SecuredSystem implements AsyncDisposable {
  readonly issuer: Issuer;
  readonly kafka: SecuredKafka;
  /** Passwords and tokens that were used. */
  readonly secrets: string[] = [];
  readonly #postgres: SecuredPostgres;
  readonly #passwords: Readonly<Record<string, string>>;
  readonly #ca: string;
  readonly #home: string;
  readonly #ports: Record<string, number> = {};
  readonly #tokens = new Map<string, Promise<string>>();
  readonly #processes: { name: string; process: OwnProcess }[] = [];
  readonly #owned: AsyncDisposableStack;

  private constructor(parts: {
    issuer: Issuer;
    kafka: SecuredKafka;
    postgres: SecuredPostgres;
    passwords: Record<string, string>;
    ca: string;
    certificate: Certificate;
    home: string;
    owned: AsyncDisposableStack;
  }) {
    this.issuer = parts.issuer;
    this.kafka = parts.kafka;
    this.#postgres = parts.postgres;
    this.#passwords = parts.passwords;
    this.#ca = parts.ca;
    this.#home = parts.home;
    this.#owned = parts.owned;
    this.secrets.push(...Object.values(parts.passwords), clientSecret, ...linesOf(parts.certificate.key));
    this.#file('ca.crt', parts.ca);
    this.#file('tls.crt', parts.certificate.cert);
    this.#file('tls.key', parts.certificate.key);
  }

  static async start(): Promise<SecuredSystem> {
    await using owned = new AsyncDisposableStack();
    const home = temporaryHome();
    owned.defer(() => home.remove());
    const authority = await createAuthority();
    const users = [...names, ...Object.values(services).map(({ role }) => role), migrator, 'event_store', 'neighbour'];
    const passwords = Object.fromEntries(users.map((user) => [user, `secret-${randomUUID()}`]));
    const kafka = owned.use(await startSecuredKafka(authority, passwords));
    const postgres = owned.use(await startSecuredPostgres(authority));
    const issuer = owned.use(await startIssuer(['shop', 'promotions'], 60, await authority.issue()));
    const trusted = getCACertificates();
    setDefaultCACertificates([...trusted, authority.cert]);
    owned.defer(() => setDefaultCACertificates(trusted));
    const system = new SecuredSystem({
      issuer,
      kafka,
      postgres,
      passwords,
      ca: authority.cert,
      certificate: await authority.issue(),
      home: home.path,
      owned: owned.move(),
    });
    try {
      await system.#prepare();
      return system;
    } catch (error) {
      await system[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Runs the commands of the how-to, and the migrations between them, as it says. */
  async #prepare(): Promise<void> {
    const page = 'database-roles';
    const [roles, ...grants] = blocksOf(page, 'sql');
    const acls = blocksOf(page, '').flatMap((block) => block.trim().split('\n'));
    if (roles === undefined || grants.length === 0 || acls.length === 0) throw new Error('The how-to has no commands');
    await this.runSql(roles);
    for (const acl of acls) await this.kafka.grant(...acl.replace('kafka-acls.sh --add ', '').split(' '));
    await this.#migrate('command-api', { WRITE_DB_DSN: this.dsn('catalogue_write', 'event_store') });
    await this.#migrate('query-worker', this.#databaseOf('query-worker'));
    await this.#migrate('price-history', this.#databaseOf('price-history'));
    await this.#migrate('promotions', this.#databaseOf('promotions'));
    await this.#migrate('outbox-relay', this.#kafkaAs(migrator));
    await this.#migrate('outbox-relay', { ...this.#kafkaAs(migrator), RELAY_EVENTS: 'promotions' });
    for (const grant of grants) await this.runSql(grant);
    for (const name of names) this.#ports[name] = await freePort();
  }

  /** Runs a block that begins with "-- as <role> in <database>". */
  async runSql(block: string): Promise<void> {
    const [, role = '', database = 'postgres'] = /^-- as (\w+)(?: in (\w+))?\n/.exec(block) ?? [];
    await this.sql(block, database, role === 'superuser' ? undefined : role);
  }

  /** Runs statements, as superuser without a role. `password '…'` becomes the role's password. */
  async sql(statements: string, database: string, role?: string): Promise<void> {
    const sql = connect(role === undefined ? this.#postgres.dsn(database) : this.dsn(database, role), {
      name: 'test',
      max: 1,
    });
    try {
      for (const statement of statements.replaceAll(/^--.*\n/gm, '').split(';')) {
        const complete = statement.replace(/role (\w+) login password '…'/, (_, name: string) => {
          return `role ${name} login password '${this.#passwords[name] ?? ''}'`;
        });
        if (complete.trim() !== '') await sql.unsafe(complete);
      }
    } finally {
      await sql.end({ timeout: 5 });
    }
  }

  dsn(database: string, role: string): string {
    return this.#postgres.dsn(database, role, this.#passwords[role]);
  }

  async #migrate(app: string, env: Record<string, string>): Promise<void> {
    const process = this.#start(`${app} migrate`, `${app}/src/migrate`, env);
    if ((await process.exited) !== 0) throw new Error(`${app} was not migrated: ${process.stderr()}`);
  }

  /** Starts a service without waiting. */
  launch(name: SecuredService): OwnProcess {
    const app = name === 'promotions-relay' ? 'outbox-relay' : name;
    return this.#start(name, `${app}/src/main`, {
      ...this.#databaseOf(name),
      ...('usesKafka' in services[name] ? this.#kafkaAs(name) : {}),
      ...(name === 'promotions-relay' ? { RELAY_NAME: name, RELAY_EVENTS: 'promotions' } : {}),
      TLS_CERT_FILE: join(this.#home, 'tls.crt'),
      TLS_KEY_FILE: join(this.#home, 'tls.key'),
      NODE_EXTRA_CA_CERTS: join(this.#home, 'ca.crt'),
      AUTH_ISSUER: this.issuer.url,
      AUTH_AUDIENCE: audience,
      COMMAND_API_URL: this.url('command-api'),
      COMMAND_API_TOKEN_URL: `${this.issuer.url}/token`,
      COMMAND_API_CLIENT_ID: 'promotions',
      PROMOTIONS_SUBJECT: 'promotions',
      COMMAND_API_CLIENT_SECRET: clientSecret,
      PORT: String(this.#ports[name]),
      HOST: '127.0.0.1',
      // What says most.
      LOG_LEVEL: 'trace',
    });
  }

  async run(...wanted: SecuredService[]): Promise<void> {
    for (const name of wanted) this.launch(name);
    await Promise.all(
      wanted.map(async (name) => {
        await waitFor(`${name} to be ready`, () => this.isReady(name), { within: 90_000, every: 100 }).catch(
          (cause: unknown) => {
            throw new Error(`${name} is not ready: ${this.logOf(name).slice(-4_000)}`, { cause });
          },
        );
      }),
    );
  }

  async isReady(name: SecuredService): Promise<boolean> {
    const answer = await fetch(`${this.url(name)}/health/ready`).catch(() => undefined);
    await answer?.body?.cancel();
    return answer?.status === 200;
  }

  async stop(name: SecuredService): Promise<void> {
    for (const { process } of this.#processes.filter((each) => each.name === name)) {
      process.kill('SIGKILL');
      await process.exited;
    }
  }

  url(name: SecuredService): string {
    return `https://127.0.0.1:${this.#ports[name]}`;
  }

  /** What all processes of a service have written, to both streams. */
  logOf(name: string): string {
    const own = this.#processes.filter((each) => each.name === name);
    return own.map(({ process }) => process.stdout() + process.stderr()).join('');
  }

  /** What every process has written. */
  get written(): string {
    return this.#processes.map(({ name }) => this.logOf(name)).join('');
  }

  /** A token of a subject for itself, for an hour. */
  token(subject: string, scope: string): Promise<string> {
    const name = `${subject} ${scope}`;
    const known = this.#tokens.get(name);
    if (known !== undefined) return known;
    const token = this.#signed({ iss: this.issuer.url, aud: audience, sub: subject, scope });
    this.#tokens.set(name, token);
    return token;
  }

  async #signed(claims: Record<string, string>): Promise<string> {
    const now = Math.floor(Date.now() / 1000);
    const token = await this.issuer.sign({ ...claims, iat: now, exp: now + 3_600 });
    this.secrets.push(token);
    return token;
  }

  #start(name: string, program: string, env: Record<string, string>): OwnProcess {
    const process = startProcess(new URL(`../../../apps/${program}.ts`, import.meta.url), [], env);
    this.#processes.push({ name, process });
    this.#owned.use(process);
    return process;
  }

  #databaseOf(name: SecuredService): Record<string, string> {
    const { role, database } = services[name];
    const [variable, catalogue] = database;
    return { [`${variable}_FILE`]: this.#file(`${name}.dsn`, this.dsn(catalogue, role)) };
  }

  #file(name: string, text: string): string {
    const file = join(this.#home, name);
    writeFileSync(file, text);
    return file;
  }

  #kafkaAs(user: string): Record<string, string> {
    return {
      KAFKA_BROKER: this.kafka.brokers,
      KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
      KAFKA_SASL_USERNAME: user,
      KAFKA_SASL_PASSWORD: this.#passwords[user] ?? '',
      KAFKA_SSL_CA: this.#ca,
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }
}
