import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { connect, type Sql } from './connect.ts';
import { errorCode, isConnectionLost, isTransient } from './errors.ts';

const role = 'refused_role';
const database = 'refused_database';
let admin: Sql;
let dsn: string;

beforeAll(async () => {
  admin = connect(inject('servers').readDb, { name: 'test', max: 1 });
  await admin`create database ${admin(database)}`;
  await admin`create role ${admin(role)} login`;
  const url = new URL(inject('servers').readDb);
  url.username = role;
  url.pathname = `/${database}`;
  dsn = url.href;
});
afterAll(async () => {
  await admin`drop database if exists ${admin(database)} with (force)`;
  await admin`drop role if exists ${admin(role)}`;
  await admin.end();
});

const endSessions = () => admin`select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = ${role}`;

const closed = `alter database ${database} allow_connections false`;
const open = `alter database ${database} allow_connections true`;

test.each([
  ['28000', [`alter role ${role} nologin`], [`alter role ${role} login`]],
  ['53300', [`alter role ${role} connection limit 0`], [`alter role ${role} connection limit -1`]],
  ['55000', [closed], [open]],
  [
    '42501',
    [`revoke connect on database ${database} from public`],
    [`grant connect on database ${database} to public`],
  ],
  // A database with open sessions cannot be renamed.
  ['3D000', [closed, `alter database ${database} rename to away`], [`alter database away rename to ${database}`, open]],
])('a session that is refused with %s may be had later: a pool and its listener go on', async (code, refuse, mend) => {
  const sql = connect(dsn, { name: 'test', max: 2 });
  const heard: string[] = [];
  await sql.listen('hints', (hint) => heard.push(hint));
  for (const statement of refuse) {
    await admin.unsafe(statement);
    await endSessions();
  }

  const errors: unknown[] = [];
  await vi.waitFor(
    async () => {
      await sql`select 1`.catch((error: unknown) => errors.push(error));
      expect(errors.map(errorCode)).toContain(code);
    },
    { timeout: 60_000 },
  );
  expect(errors.filter((error) => !isTransient(error) || !isConnectionLost(error))).toEqual([]);

  for (const statement of mend) await admin.unsafe(statement);
  await vi.waitFor(
    async () => {
      await sql`select pg_notify('hints', 'again')`;
      expect(heard).toContain('again');
    },
    { timeout: 60_000 },
  );
  await sql.end({ timeout: 1 });
});

test('a pool whose sessions are refused pauses between its attempts', async () => {
  await admin.unsafe(`alter role ${role} nologin`);
  const sql = connect(dsn, { name: 'test', max: 1 });
  const began = performance.now();
  let attempts = 0;
  while (performance.now() - began < 2_000) {
    expect(await sql`select 1`.catch(errorCode)).toBe('28000');
    attempts += 1;
  }
  // The attempts: at once, and after 0.1, 0.2, 0.4, 0.8 and 1 s.
  expect(attempts).toBeLessThan(8);
  await admin.unsafe(`alter role ${role} login`);
  await sql.end();
});
