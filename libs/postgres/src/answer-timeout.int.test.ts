import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as immediate, setTimeout as delay } from 'node:timers/promises';
import { type SecureContext, createSecureContext, TLSSocket } from 'node:tls';
import { expect, inject, test } from 'vitest';
import { connect, type Sql } from './connect.ts';
import { errorCode, isConnectionLost } from './errors.ts';

const dsn = inject('servers').readDb;

const pidOf = async (sql: Sql) => Number((await sql`select pg_backend_pid() as pid, pg_sleep(0.1)`)[0]?.['pid']);

// Tests patches/postgres@3.4.9.patch, as all tests of this file do.
test.each(['plain', 'TLS'] as const)(
  'a silent connection (%s) is closed, and other connections stay open',
  async (kind) => {
    await using door = await openDoor(kind === 'TLS' ? selfSigned() : undefined);
    const sql = connect(door.dsn, { name: 'test', max: 3, answerTimeoutMs: 3_000 });
    const before = await Promise.all([1, 2, 3].map(() => pidOf(sql)));
    door.silence(1);
    const asked = await Promise.allSettled([1, 2, 3].map(() => pidOf(sql)));
    const failed = asked.flatMap((it) => (it.status === 'rejected' ? [errorCode(it.reason)] : []));
    expect(failed).toEqual(['ETIMEDOUT']);
    const after = await Promise.all([1, 2, 3].map(() => pidOf(sql)));
    expect(after.filter((pid) => before.includes(pid))).toHaveLength(2);
    await sql.end();
  },
);

test('a statement that waits behind others on its connection gets additional time for them', async () => {
  const sql = connect(dsn, { name: 'test', max: 1, answerTimeoutMs: 3_000 });
  await sql`select pg_sleep(0)`;
  // Sent together on one connection: the last is answered after 6 s.
  const asked = [1, 2, 3, 4].map(async (n) => (await sql`select pg_sleep(1.5), ${n}::int as n`)[0]?.['n'] as unknown);
  expect(await Promise.all(asked)).toEqual([1, 2, 3, 4]);
  await sql.end();
});

test('new statements do not keep a silent connection open', async () => {
  await using door = await openDoor();
  const sql = connect(door.dsn, { name: 'test', max: 1, answerTimeoutMs: 3_000 });
  await pidOf(sql);
  door.silence(1);
  const failures: unknown[] = [];
  const ask = async () => void (await sql`select 1`.catch((error: unknown) => failures.push(error)));
  const asking = setInterval(() => void ask(), 100);
  await ask();
  clearInterval(asking);
  expect(failures.map(errorCode)).toContain('ETIMEDOUT');
  expect(failures.filter((failure) => !isConnectionLost(failure))).toEqual([]);
  expect(await pidOf(sql)).toBeGreaterThan(0);
  await sql.end();
});

test('after one connection fell silent, the idle connections are checked before they are used', async () => {
  await using door = await openDoor();
  const sql = connect(door.dsn, { name: 'test', max: 3, answerTimeoutMs: 3_000 });
  const before = await Promise.all([1, 2, 3].map(() => pidOf(sql)));
  door.silence(3);
  expect(await sql`select 1`.catch(errorCode)).toBe('ETIMEDOUT');
  const after = await Promise.all([1, 2, 3].map(() => pidOf(sql)));
  expect(after.filter((pid) => before.includes(pid))).toEqual([]);
  await sql.end();
});

test.each(['reserved', 'begun'] as const)(
  'a session (%s) may pause between statements for longer than the limit',
  async (kind) => {
    const sql = connect(dsn, { name: 'test', max: 1, answerTimeoutMs: 2_000 });
    const use = async (session: Pick<Sql, 'unsafe'>) => {
      const before = await session.unsafe('select pg_backend_pid() as pid');
      await delay(3_000);
      expect(await session.unsafe('select pg_backend_pid() as pid')).toEqual(before);
      expect(await session.unsafe('select pg_sleep(10)').catch(errorCode)).toBe('ETIMEDOUT');
    };
    if (kind === 'reserved') await use(await sql.reserve());
    else await sql.begin(use).catch(() => {});
    await sql.end();
  },
);

test.each([
  ['all of the limit', 0],
  ['the second half of it', 1_100],
])('an answer that came while this process was stopped for %s is read', async (_, stoppedAfterMs) => {
  const sql = connect(dsn, { name: 'test', max: 1, answerTimeoutMs: 2_000 });
  const before = await pidOf(sql);
  const asked = sql`select pg_backend_pid() as pid, pg_sleep(1.3)`;
  void asked.execute();
  await delay(stoppedAfterMs);
  await stopFor(2_500);
  expect(await asked).toMatchObject([{ pid: before }]);
  await sql.end();
});

test('a server that was stopped together with this process gets half of the limit to answer afterwards', async () => {
  const sql = connect(dsn, { name: 'test', max: 1, answerTimeoutMs: 4_000 });
  const before = await pidOf(sql);
  const asked = sql`select pg_backend_pid() as pid, pg_sleep(6.5)`;
  void asked.execute();
  await delay(2_200);
  await stopFor(4_200);
  expect(await asked).toMatchObject([{ pid: before }]);
  await sql.end();
});

/**
 * Stops this process as a long garbage collection does: its overdue timers run before it reads its sockets. After SIGSTOP while
 * it waits for work, it would read first.
 */
async function stopFor(ms: number): Promise<void> {
  await immediate();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** A proxy to the server that can silence a connection: the connection stays open, but nothing is forwarded. */
async function openDoor(certificate?: SecureContext) {
  const url = new URL(dsn);
  const behind = { host: url.hostname, port: Number(url.port) };
  const open = new Set<Socket>();
  const forward = (client: Socket) => {
    const inner = connectSocket(behind);
    open.add(client);
    client.on('error', () => {}).on('close', () => (open.delete(client), inner.destroy()));
    inner.on('error', () => {}).on('close', () => client.destroy());
    client.pipe(inner).pipe(client);
  };
  const server = createServer((client) => {
    if (certificate === undefined) {
      forward(client);
      return;
    }
    client.on('error', () => {});
    // The request for TLS, and the server’s agreement.
    client.once('data', () => {
      client.write('S');
      forward(new TLSSocket(client, { isServer: true, secureContext: certificate }));
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  if (certificate !== undefined) url.searchParams.set('ssl', 'require');
  return {
    dsn: url.href,
    silence: (connections: number) => {
      for (const socket of [...open].slice(0, connections)) socket.unpipe().pause();
    },
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

/** Made by Java, which the tests need anyway, because Node.js cannot make certificates. */
function selfSigned(): SecureContext {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'));
  try {
    const file = join(folder, 'store.p12');
    const passphrase = 'changeit';
    const options = `-genkeypair -alias test -keyalg EC -dname CN=localhost -storetype PKCS12 -keystore ${file} -storepass ${passphrase}`;
    const { JAVA_HOME } = process.env;
    const keytool = JAVA_HOME ? join(JAVA_HOME, 'bin', 'keytool') : 'keytool';
    const { status, stderr } = spawnSync(keytool, options.split(' '), { encoding: 'utf8' });
    if (status !== 0) throw new Error(`keytool made no certificate: ${stderr}`);
    return createSecureContext({ pfx: readFileSync(file), passphrase });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
