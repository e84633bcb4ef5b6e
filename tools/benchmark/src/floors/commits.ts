import { spawn, spawnSync } from 'node:child_process';
import { connect } from '@catalogue/postgres';
import { createDatabase, type TestDatabase } from '@catalogue/testing';

/** The tool that measures PostgreSQL's commits here. */
export const commitTool = spawnSync('pgbench', ['--version']).status === 0 ? 'pgbench' : 'postgres.js';

/**
 * The single-row transactions that PostgreSQL commits a second: by pgbench if it is on PATH, else by postgres.js, whose own
 * cost makes the floor lower.
 */
export function commitsPerSecond(dsn: string, clients: number, milliseconds: number): Promise<number> {
  return (commitTool === 'pgbench' ? byPgbench : byPostgresJs)(dsn, clients, milliseconds);
}

/** A database on the event store's server, with an empty table; disposing of it drops it. */
export async function makeCommitsDatabase(writeDb: string): Promise<TestDatabase> {
  const database = await createDatabase(writeDb);
  await database.sql`create table commits (id bigint generated always as identity primary key, payload jsonb not null)`;
  return database;
}

const insert = `insert into commits (payload) values ('{"name":"Mouse ergonomico","price":39.9}')`;

async function byPgbench(dsn: string, clients: number, milliseconds: number): Promise<number> {
  const seconds = String(Math.ceil(milliseconds / 1000));
  const args = [
    '-n',
    '-M',
    'prepared',
    '-c',
    String(clients),
    '-j',
    String(Math.min(clients, 2)),
    '-T',
    seconds,
    '-f',
    '-',
    dsn,
  ];
  const child = spawn('pgbench', args, { stdio: 'pipe' });
  child.stdin.end(`${insert};\n`);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  await new Promise((resolve) => child.once('close', resolve));
  const [, tps] = /^tps = ([\d.]+) \(without initial connection time\)/m.exec(output) ?? [];
  if (tps === undefined) throw new Error(`pgbench printed no result:\n${output}`);
  return Number(tps);
}

async function byPostgresJs(dsn: string, clients: number, milliseconds: number): Promise<number> {
  const sql = connect(dsn, { name: 'benchmark', max: clients });
  const started = performance.now();
  let commits = 0;
  const client = async () => {
    while (performance.now() - started < milliseconds) {
      await sql.unsafe(insert, [], { prepare: true });
      commits += 1;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const perSecond = commits / ((performance.now() - started) / 1000);
  await sql.end();
  return perSecond;
}
