import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { basename, delimiter, dirname, join } from 'node:path';
import {
  boundToParent,
  databaseUser,
  freePort,
  kafkaLibs,
  type PostgresServer,
  startPostgres,
  temporaryHome,
  withArchive,
} from '@catalogue/local-stack';
import { connect } from '@catalogue/postgres';
import { argumentsOfImage, mallocOfImage, waitFor } from '@catalogue/testing';
import { type ComposeFile, type ComposeService, readComposeFile } from './compose-file.ts';
import { root } from './service-process.ts';

/** The servers in the containers: their names and ports in the networks of the compose file. */
const endpoints = {
  kafka: [9092, 9093, 9094],
  'write-db': [5432],
  'read-db': [5432],
  'promotions-db': [5432],
  issuer: [8443],
  'command-api': [8080],
  'query-api': [8081],
  'outbox-relay': [8082],
  'query-worker': [8083],
  'price-history': [8084],
  promotions: [8085],
  'promotions-relay': [8082],
} as const;
type Endpoint = keyof typeof endpoints;

/** The published ports, by the variables that choose them. */
const published = {
  ISSUER_PORT: 'issuer',
  COMMAND_API_PORT: 'command-api',
  QUERY_API_PORT: 'query-api',
  PRICE_HISTORY_PORT: 'price-history',
  PROMOTIONS_PORT: 'promotions',
} as const;

/**
 * The services of a compose file as processes, without a container engine: with the programs, commands, environments,
 * mounted files and order that the file says. Names of hosts become localhost with other ports, and paths become paths
 * of a temporary folder. Each network, image and limit of memory is left out.
 */
export class ComposedSystem implements AsyncDisposable {
  readonly file: ComposeFile;
  readonly #home = temporaryHome();
  readonly #ports: ReadonlyMap<string, number>;
  readonly #libs: string;
  readonly #begun = new Map<string, Promise<void>>();
  readonly #processes = new Map<string, ChildProcess>();
  readonly #databases: PostgresServer[] = [];
  readonly #written = new Map<string, string>();

  private constructor(file: ComposeFile, ports: ReadonlyMap<string, number>, libs: string) {
    this.file = file;
    this.#ports = ports;
    this.#libs = libs;
  }

  /** Starts every service, as `docker compose up` does; resolves when all are healthy or have ended with 0. */
  static async start(name: string): Promise<ComposedSystem> {
    const ports = new Map<string, number>();
    for (const [host, inside] of Object.entries(endpoints))
      for (const port of inside) ports.set(`${host}:${port}`, await freePort());
    const variables = Object.fromEntries(
      Object.entries(published).map(([variable, host]) => [
        variable,
        String(ports.get(`${host}:${endpoints[host][0]}`)),
      ]),
    );
    const system = new ComposedSystem(readComposeFile(name, variables), ports, await kafkaLibs(() => {}));
    try {
      await system.up();
      return system;
    } catch (error) {
      await system[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts what does not run, and runs again what has ended. */
  async up(): Promise<void> {
    this.#begun.clear();
    await Promise.all(Object.keys(this.file.services).map((name) => this.#run(name)));
  }

  /** The address on this machine of a server in a container. */
  address(host: Endpoint, port: number = endpoints[host][0]): string {
    return `localhost:${this.#ports.get(`${host}:${port}`) ?? 0}`;
  }

  /** A file that a service sees, for example `/secrets/ca.crt`. */
  path(service: string, inside: string): string {
    return join(this.#home.path, 'root', service, inside);
  }

  read(service: string, inside: string): string {
    return readFileSync(this.path(service, inside), 'utf8').trim();
  }

  /** What a service has written, to both streams. */
  logOf(service: string): string {
    return this.#written.get(service) ?? '';
  }

  /** What every process has written. */
  get written(): string {
    return [...this.#written.values()].join('');
  }

  /** Runs statements with the environment that a service gives psql. */
  async sql(service: string, statements: string): Promise<Record<string, unknown>[]> {
    const { PGHOST = '', PGUSER = '', PGDATABASE = '', PGSSLMODE = '', ...files } = this.#environment(service);
    const url = new URL(`postgres://${PGUSER}@${this.address(PGHOST as Endpoint)}/${PGDATABASE}`);
    url.searchParams.set('sslmode', PGSSLMODE);
    for (const name of ['sslrootcert', 'sslcert', 'sslkey'])
      url.searchParams.set(name, files[`PG${name.toUpperCase()}`] ?? '');
    return await ask(url.href, statements);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = [...this.#processes.values()].filter(isRunning).map(async (child) => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    });
    await Promise.all([...ended, ...this.#databases.map((server) => server.stop())]);
    this.#home.remove();
  }

  #run(name: string): Promise<void> {
    const known = this.#begun.get(name);
    if (known !== undefined) return known;
    const begun = this.#begin(name);
    this.#begun.set(name, begun);
    return begun;
  }

  async #begin(name: string): Promise<void> {
    const service = this.#service(name);
    await Promise.all(Object.keys(service.depends_on ?? {}).map((other) => this.#run(other)));
    this.#mount(name, service);
    const [program, ...args] = service.command ?? [];
    if (program === 'psql') await this.sql(name, readFileSync(this.#map(name, fileOf(args)), 'utf8'));
    else if (program === 'postgres') await this.#startDatabase(name, args);
    else await this.#startProcess(name, service);
  }

  #service(name: string): ComposeService {
    const service = this.file.services[name];
    if (service === undefined) throw new Error(`There is no service ${name}`);
    return service;
  }

  /** As the image: it runs the scripts for a new data folder on a server that nobody else reaches. */
  async #startDatabase(name: string, args: readonly string[]): Promise<void> {
    if (this.#databases.some(({ port }) => port === this.#ports.get(`${name}:5432`))) return;
    const options = { home: this.#home.path, name, port: this.#ports.get(`${name}:5432`) ?? 0, durable: false };
    const scripts = this.path(name, '/docker-entrypoint-initdb.d');
    const first = await startPostgres(options);
    for (const script of readdirSync(scripts))
      await ask(first.dsn('postgres'), readFileSync(join(scripts, script), 'utf8'));
    await first.stop();
    const settings = args.map((arg) => /^--(\w+)=(.*)$/.exec(this.#map(name, arg))?.slice(1) as [string, string]);
    const log = (line: string) => this.#keep(name, `${line}\n`);
    this.#databases.push(await startPostgres({ ...options, settings: Object.fromEntries(settings), log }));
  }

  async #startProcess(name: string, { image, command }: ComposeService): Promise<void> {
    const running = this.#processes.get(name);
    if (running !== undefined && isRunning(running)) return;
    const app = basename(image.split(':')[0] ?? '');
    const folder = app === 'kafka' ? root : join(root, app === 'issuer' ? 'tools' : 'apps', app);
    const malloc = command === undefined ? mallocOfImage(folder) : {};
    const [program = '', ...args] = command ?? ['node', ...argumentsOfImage(folder)];
    const child = spawn(
      ...boundToParent(
        'SIGKILL',
        program === 'node' ? process.execPath : program,
        args.map((arg) => this.#map(name, arg)),
      ),
      { cwd: folder, env: { ...malloc, ...this.#environment(name) }, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    this.#processes.set(name, child);
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => this.#keep(name, text));
    const exited = new Promise<number | string>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
    });
    const isOneShot = this.#isOneShot(name);
    const outcome = isOneShot ? await exited : await Promise.race([exited, this.#healthy(name, child)]);
    if (outcome !== (isOneShot ? 0 : 'healthy'))
      throw new Error(`${name} ended with ${outcome}: ${this.logOf(name).slice(-4_000)}`);
  }

  #isOneShot(name: string): boolean {
    const waits = Object.values(this.file.services).flatMap(({ depends_on = {} }) => depends_on[name]?.condition ?? []);
    return waits.includes('service_completed_successfully');
  }

  async #healthy(name: string, child: ChildProcess): Promise<string> {
    const check = name === 'kafka' ? () => accepts(this.address('kafka')) : () => this.#checks(name);
    await waitFor(`${name} to be healthy`, async () => !isRunning(child) || (await check()), { every: 200 }).catch(
      (cause: unknown) => {
        throw new Error(`${name} is not healthy; it wrote: ${this.logOf(name).slice(-4_000)}`, { cause });
      },
    );
    return isRunning(child) ? 'healthy' : 'ended';
  }

  /**
   * The images' own check. The service is asked from here first: a process for each question took more of the CPU than the
   * services that were starting.
   */
  async #checks(name: string): Promise<boolean> {
    if (!(await isReady(this.address(name as Endpoint), this.read(name, '/secrets/ca.crt')))) return false;
    const program = join(root, 'tools/images/healthcheck.mjs');
    const child = spawn(process.execPath, [program, 'ready'], { env: this.#environment(name), stdio: 'ignore' });
    return (await new Promise((resolve) => child.once('close', resolve))) === 0;
  }

  /** What the process sees: the environment of the compose file, of its image, and of this machine's network. */
  #environment(name: string): Record<string, string> {
    const { PATH = '', JAVA_HOME } = process.env;
    const own = Object.entries(this.#service(name).environment ?? {});
    const mapped = Object.fromEntries(own.map(([variable, value]) => [variable, this.#map(name, value ?? '')]));
    const [port] = endpoints[name as Endpoint] ?? [];
    const user = databaseUser();
    return {
      ...mapped,
      PATH: JAVA_HOME === undefined ? PATH : `${join(JAVA_HOME, 'bin')}${delimiter}${PATH}`,
      ...(port === undefined ? {} : { PORT: String(this.#ports.get(`${name}:${port}`)), HOST: '127.0.0.1' }),
      ...(basename(this.#service(name).image).startsWith('kafka:') ? { JDK_JAVA_OPTIONS: this.#javaOptions } : {}),
      ...(name === 'certificates' ? { SERVICE_OWNER: ids(), DATABASE_OWNER: ids(user) } : {}),
    };
  }

  /** The collector that Java chooses in the containers' memory, and the class archive, which halves the start's CPU time. */
  get #javaOptions(): string {
    return ['-XX:+UseSerialGC', ...withArchive(this.#libs)].join(' ');
  }

  /** Makes the mounted volumes and files of a service below a folder that stands for its root. */
  #mount(name: string, { volumes = [] }: ComposeService): void {
    for (const [source, target] of mountsOf(volumes)) {
      const place = this.path(name, target);
      mkdirSync(dirname(place), { recursive: true });
      if (source.startsWith('./')) {
        cpSync(join(root, source), place, { recursive: true });
        this.#mapFiles(name, place);
        continue;
      }
      const volume = join(this.#home.path, 'volumes', source);
      mkdirSync(volume, { recursive: true });
      if (statSync(place, { throwIfNoEntry: false }) === undefined) symlinkSync(volume, place);
    }
  }

  #mapFiles(name: string, place: string): void {
    const files = statSync(place).isDirectory() ? readdirSync(place).map((file) => join(place, file)) : [place];
    for (const file of files) writeFileSync(file, this.#map(name, readFileSync(file, 'utf8')));
  }

  /** A text with this machine's paths and addresses. */
  #map(name: string, text: string): string {
    const targets = mountsOf(this.#service(name).volumes ?? []).map(([, target]) => target);
    const inside = new Set([...targets, ...targets.map(dirname)].filter((path) => path !== '/'));
    let mapped = text.replaceAll('/opt/kafka/libs', this.#libs);
    // A path begins a text, or follows what is no part of a path.
    for (const path of inside) mapped = replaceApart(mapped, path, this.path(name, path), /[\w./-]/, /[\w-]/);
    for (const [address, port] of this.#ports) {
      mapped = replaceApart(mapped, address, `localhost:${port}`, /[\w-]/, /\d/);
      const [host, own] = address.split(':');
      if (host !== name) continue;
      mapped = mapped
        .replaceAll(`://:${own}`, `://127.0.0.1:${port}`)
        .replaceAll(`@localhost:${own}`, `@localhost:${port}`);
    }
    return mapped;
  }

  #keep(name: string, text: string): void {
    this.#written.set(name, this.logOf(name) + text);
  }
}

function isRunning({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}

function mountsOf(volumes: readonly string[]): [source: string, target: string][] {
  return volumes.map((volume) => volume.split(':').slice(0, 2) as [string, string]);
}

function ids(user = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }): string {
  return `${user.uid}:${user.gid}`;
}

/** The file that psql is told to run. */
function fileOf(args: readonly string[]): string {
  const file = args.find((arg) => arg.startsWith('--file='));
  if (file === undefined) throw new Error(`psql is given no file: ${args.join(' ')}`);
  return file.slice('--file='.length);
}

/** Whether a service answers over TLS that it is ready. */
function isReady(address: string, ca: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(`https://${address}/health/ready`, { ca }, (answer) => resolve(answer.resume().statusCode === 200)).once(
      'error',
      () => resolve(false),
    );
  });
}

/** Whether something listens there. */
function accepts(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connectTcp(Number(address.split(':')[1]), '127.0.0.1');
    socket.once('error', () => resolve(false)).once('connect', () => resolve(true));
    socket.once('connect', () => socket.destroy());
  });
}

/** One statement after the other: `create database` is not allowed in a transaction. Returns the rows of the last. */
async function ask(dsn: string, statements: string): Promise<Record<string, unknown>[]> {
  const sql = connect(dsn, { name: 'composed', max: 1 });
  let rows: Record<string, unknown>[] = [];
  try {
    for (const statement of statements.replaceAll(/^--.*\n/gm, '').split(';'))
      if (statement.trim() !== '') rows = [...(await sql.unsafe<Record<string, unknown>[]>(statement))];
    return rows;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** Replaces a text wherever no character of `before` precedes it, and none of `after` follows it. */
function replaceApart(text: string, sought: string, by: string, before: RegExp, after: RegExp): string {
  return text.replaceAll(sought, (found: string, offset: number) => {
    const isPart = before.test(text[offset - 1] ?? '') || after.test(text[offset + found.length] ?? '');
    return isPart ? found : by;
  });
}
