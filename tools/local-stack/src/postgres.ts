import { chownSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, isTransient, type Sql } from '@catalogue/postgres';
import { runCommand } from './command.ts';
import { takeLock } from './lock.ts';
import { requireFreePort } from './ports.ts';
import { clearLeftBehind } from './postgres-left-behind.ts';
import {
  chosenPostgresVersion,
  databaseUser,
  postgresEnvironment,
  postgresPrograms,
  type PostgresVersion,
} from './postgres-programs.ts';
import { type ServerProcess, startServer } from './server-process.ts';

export interface PostgresServer extends ServerProcess {
  readonly port: number;
  /** The address of a database, as superuser. */
  dsn(database: string): string;
}

export interface PostgresOptions {
  /** The parent of the server's data folder; the user that PostgreSQL runs as needs access. */
  home: string;
  /** The name of the data folder, and of the server in messages. */
  name: string;
  port: number;
  /** When absent, that of POSTGRES_VERSION. A data folder belongs to one version. */
  version?: PostgresVersion | undefined;
  /** Called with each line of the server's log. */
  log?: (line: string) => void;
  /**
   * False: what is committed outlives a killed server, but not a machine that crashes. That is all that tests need: a commit,
   * and dropping a database, then wait for no disk. True when absent.
   */
  durable?: boolean;
  /** More settings, as in postgresql.conf. */
  settings?: Readonly<Record<string, string>>;
  /** Ends the start when aborted. */
  signal?: AbortSignal;
}

/**
 * Starts PostgreSQL on 127.0.0.1 and resolves when it accepts connections. Creates the data folder if there is none. The server
 * belongs to the process that started it; one that a killed process left behind is stopped first.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const version = options.version ?? chosenPostgresVersion();
  const data = join(options.home, options.name);
  const unlock = takeLock(`${data}.lock`);
  try {
    const server = await startOn(data, postgresPrograms(version), options);
    void server.exited.then(unlock);
    return server;
  } catch (error) {
    unlock();
    throw error;
  }
}

async function startOn(data: string, programs: string, options: PostgresOptions): Promise<PostgresServer> {
  if (!existsSync(join(data, 'PG_VERSION'))) await initialize(programs, data, options);
  await clearLeftBehind(programs, data);
  await requireFreePort(options.port);
  const server = await startWhenSessionsAreGone(options, programs, data);
  return {
    ...server,
    port: options.port,
    dsn: (database) => `postgres://postgres@127.0.0.1:${options.port}/${database}`,
  };
}

/** The locale with the letters of all languages, by system; elsewhere only ASCII letters count as letters. */
const allLetters: Partial<Record<NodeJS.Platform, string>> = { linux: 'C.UTF-8', darwin: 'UTF-8' };

/**
 * Creates a data folder: UTF-8, sorting by bytes by default, trigrams of the letters of all languages, ICU collations by name.
 */
async function initialize(programs: string, data: string, { durable = true, signal }: PostgresOptions): Promise<void> {
  const part = `${data}.part`;
  const user = databaseUser();
  rmSync(part, { recursive: true, force: true });
  mkdirSync(part, { recursive: true, mode: 0o700 });
  if (user) chownSync(part, user.uid, user.gid);
  const args = ['-D', part, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-instructions'];
  const letters = allLetters[process.platform];
  if (letters !== undefined) args.push(`--lc-ctype=${letters}`);
  if (!durable) args.push('--no-sync');
  const options = { user, cwd: '/', env: postgresEnvironment, signal };
  const { ok, status, output } = await runCommand(join(programs, 'initdb'), args, options);
  if (!ok) throw new Error(`PostgreSQL could not make ${data} (${status}): ${firstError(output)}`);
  renameSync(part, data); // Only a complete folder gets the name.
}

function firstError(output: string): string {
  return output.split('\n').find((line) => /error|FATAL/.test(line)) ?? output.trim();
}

/** The sessions of a killed server live for a moment, and a new server refuses to start beside them. */
async function startWhenSessionsAreGone(
  options: PostgresOptions,
  programs: string,
  data: string,
): Promise<ServerProcess> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    try {
      return await start(options, programs, data);
    } catch (error) {
      const sessionsRemain = error instanceof Error && /pre-existing shared memory block/.test(error.message);
      if (!sessionsRemain || Date.now() > deadline) throw error;
      await delay(50);
    }
  }
}

async function start(options: PostgresOptions, programs: string, data: string): Promise<ServerProcess> {
  const server = await launch(options, programs, data);
  // The server is ready when its log says so; if it logs to files, when it answers.
  if (options.settings?.['logging_collector'] === 'on') await untilItAnswers(options.port);
  return server;
}

async function untilItAnswers(port: number): Promise<void> {
  const sql = connect(`postgres://postgres@127.0.0.1:${port}/postgres`, { name: 'local-stack', max: 1 });
  const end = Date.now() + 30_000;
  try {
    while (!(await answers(sql))) {
      if (Date.now() > end) throw new Error(`PostgreSQL on port ${port} gave no answer within 30 s`);
      await delay(50);
    }
  } finally {
    await sql.end({ timeout: 1 });
  }
}

async function answers(sql: Sql): Promise<boolean> {
  return await sql`select 1`.then(
    () => true,
    (error: unknown) => {
      if (isTransient(error)) return false;
      throw error;
    },
  );
}

function launch(options: PostgresOptions, programs: string, data: string): Promise<ServerProcess> {
  const { name, port, log = () => {}, durable = true, settings = {}, signal } = options;
  // No Unix socket: its path is limited to 107 bytes, and nothing uses it.
  const own = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: 200 };
  const all = { ...own, ...(!durable && { fsync: 'off' }), ...settings };
  return startServer({
    title: `PostgreSQL (${name})`,
    command: join(programs, 'postgres'),
    args: ['-D', data, ...Object.entries(all).flatMap(([key, value]) => ['-c', `${key}=${value}`])],
    cwd: '/',
    env: postgresEnvironment,
    user: databaseUser(),
    ready: /database system is ready to accept (read-only )?connections|Future log output will appear in directory/,
    failure: /(FATAL|PANIC):/,
    stopSignal: 'SIGINT', // A fast shutdown, which ends sessions. SIGTERM would wait for them.
    log,
    signal,
  });
}
