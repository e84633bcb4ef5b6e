import { EventEmitter } from 'node:events';
import { migrateEventStore } from '@catalogue/event-store';
import { connect, type Sql } from '@catalogue/postgres';
import { createLogger, createMetrics } from '@catalogue/service';
import { createDatabase, type OwnPostgres, startOwnPostgres, waitFor } from '@catalogue/testing';
import { expect, inject, onTestFinished, test, vi } from 'vitest';
import { intercepted, isAppend } from '../test/fixture.ts';
import { buildApp } from './app.ts';
import { openStore } from './store.ts';

const body = { name: 'Mouse', price: 1 };

const open = (store: Sql, connections = new EventEmitter()) =>
  buildApp({
    store,
    queries: store,
    connections,
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    corsOrigins: [],
  });

/** Makes a function that signals a server and command-api's sessions, which a signal to the server alone would not stop. */
async function freezer(server: OwnPostgres, sql: Sql) {
  const sessions = await sql<{ pid: number }[]>`
    select pid from pg_stat_activity where application_name = 'command-api'`;
  return (signal: NodeJS.Signals) => {
    server.kill(signal);
    for (const { pid } of sessions) process.kill(pid, signal);
  };
}

test('while the event store is down, commands get 503 at once from the second on; they succeed again when it is back', async () => {
  await using server = await startOwnPostgres();
  const db = await createDatabase(server.dsn('postgres'), migrateEventStore);
  const store = connect(db.dsn, { name: 'command-api' });
  const app = await open(store);
  const post = () => app.inject({ method: 'POST', url: '/products', body });
  expect((await post()).statusCode).toBe(201);
  await db.sql.end();

  await server.crash();
  const first = await post();
  expect([first.statusCode, first.json<{ type: string }>().type, first.headers['retry-after']]).toEqual([
    503,
    'unavailable',
    '1',
  ]);
  const began = performance.now();
  for (let n = 1; n <= 20; n++) expect((await post()).statusCode).toBe(503);
  // Not a measure of speed: twenty timeouts or waits of 2 s in sequence would take 40 s.
  expect(performance.now() - began).toBeLessThan(20_000);
  expect((await app.inject('/health/ready')).statusCode).toBe(503);

  await server.restart();
  await waitFor('commands to go on', async () => (await post()).statusCode === 201);
  await app.close();
  await store.end();
});

test('while the event store is unreachable, requests for a history are answered in time', async () => {
  await using server = await startOwnPostgres();
  const db = await createDatabase(server.dsn('postgres'), migrateEventStore);
  const store = openStore(db.dsn);
  const app = await open(store);
  const { id } = (await app.inject({ method: 'POST', url: '/products', body })).json<{ id: string }>();
  await db.sql.end();
  const signal = await freezer(server, store);
  signal('SIGSTOP');
  const began = performance.now();
  const asked = await Promise.all(Array.from({ length: 45 }, () => app.inject(`/products/${id}/history`)));
  expect(new Set(asked.map(({ statusCode, headers }) => `${statusCode} ${String(headers['retry-after'])}`))).toEqual(
    new Set(['503 1']),
  );
  // Each new connection takes 5 s to fail, and fails one waiting request: of ten requests, the last waited for over 20 s.
  expect(performance.now() - began).toBeLessThan(20_000);
  signal('SIGCONT');
  await waitFor('histories to be read', async () => {
    return (await app.inject(`/products/${id}/history`)).statusCode === 200;
  });
  await app.close();
  await store.end();
});

test('commands beyond the limit are refused at once, and the accepted ones are carried out', async () => {
  await using db = await createDatabase(inject('servers').writeDb, migrateEventStore);
  const answering = Promise.withResolvers<void>();
  const silent = intercepted(db.sql, async (run, sent) => {
    // Answers the probe after an outage, which appends nothing.
    if (isAppend(sent) && sent.parameters[0] !== '{}') await answering.promise;
    return await run();
  });
  const app = await open(silent);
  // With stopped timers no command is late, even on a busy machine. Connections need timers, so they must be open already.
  await Promise.all(Array.from({ length: 10 }, () => db.sql`select pg_sleep(0.1)`));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  onTestFinished(() => void vi.useRealTimers());
  const asked = Array.from({ length: 3_000 }, () => app.inject({ method: 'POST', url: '/products', body }));
  expect(await Promise.any(asked)).toMatchObject({ statusCode: 503 });
  answering.resolve();
  const answers = await Promise.all(asked);
  vi.useRealTimers();
  const count = (status: number) => answers.filter(({ statusCode }) => statusCode === status).length;
  expect(count(201)).toBeGreaterThanOrEqual(1_000);
  expect(count(503)).toBe(3_000 - count(201));
  const refused = answers.filter(({ statusCode }) => statusCode === 503);
  expect(
    new Set(refused.map((answer) => `${answer.json<{ type: string }>().type} ${answer.headers['retry-after']}`)),
  ).toEqual(new Set(['overloaded 1']));
  const [row] = await db.sql`select count(*)::int as count from events`;
  expect(row).toEqual({ count: count(201) });
  await app.close();
});

test('while the event store is frozen, commands are answered in time and later ones at once; after it, each is carried out once', async () => {
  await using server = await startOwnPostgres();
  const db = await createDatabase(server.dsn('postgres'), migrateEventStore);
  const store = connect(db.dsn, { name: 'command-api', answerTimeoutMs: 2_000 });
  const app = await open(store);
  const post = (key: string) =>
    app.inject({ method: 'POST', url: '/products', headers: { 'idempotency-key': key }, body });
  expect((await post('before')).statusCode).toBe(201);

  const signal = await freezer(server, db.sql);
  signal('SIGSTOP');
  const caught = await Promise.all(['a', 'b', 'c'].map(post));
  expect(caught.map(({ statusCode }) => statusCode)).toEqual([503, 503, 503]);
  const began = performance.now();
  for (let n = 1; n <= 20; n++) expect((await post('d')).statusCode).toBe(503);
  // Not a measure of speed: waiting for the store would take 2 s for each command, 40 s in all.
  expect(performance.now() - began).toBeLessThan(15_000);
  signal('SIGCONT');

  await waitFor('commands to go on', async () => (await post('d')).statusCode === 201);
  const again = await Promise.all(['a', 'b', 'c'].map(post));
  expect(again.map(({ statusCode }) => statusCode)).toEqual([201, 201, 201]);
  expect(await db.sql`select count(*)::int as count from events`).toEqual([{ count: 5 }]);
  await app.close();
  await store.end();
  await db.sql.end();
});

test('a store that goes down while no command is in progress is checked before the next command', async () => {
  await using server = await startOwnPostgres();
  const db = await createDatabase(server.dsn('postgres'), migrateEventStore);
  const connections = new EventEmitter();
  const store = connect(db.dsn, { name: 'command-api', onClose: () => connections.emit('closed') });
  const app = await open(store, connections);
  const post = async () => (await app.inject({ method: 'POST', url: '/products', body })).statusCode;
  expect(await post()).toBe(201);
  // As after a restore: the same rows on another server.
  await db.sql`update log_origin set system_identifier = 1`;
  await server.crash();
  await server.restart();
  expect(await post()).toBe(503);
  await waitFor('the guard to have looked', async () =>
    JSON.stringify((await app.inject('/health/ready')).json()).includes('restored'),
  );
  expect(await post()).toBe(503);
  await db.sql`update log_origin set system_identifier = (select system_identifier from pg_control_system())`;
  await waitFor('commands to go on', async () => (await post()) === 201);
  await app.close();
  await store.end();
  await db.sql.end();
});

test.each(['locked', 'frozen'] as const)(
  'commands on a store that is %s get 503 in time, and their keys tell the outcome',
  async (fault) => {
    await using server = await startOwnPostgres();
    const db = await createDatabase(server.dsn('postgres'), migrateEventStore);
    const store = openStore(db.dsn);
    const app = await open(store);
    const post = (key: string) =>
      app.inject({ method: 'POST', url: '/products', headers: { 'idempotency-key': key }, body });
    expect((await post('before')).statusCode).toBe(201);
    const signal = await freezer(server, db.sql);
    // Holds the lock until it is released.
    const locker = connect(db.dsn, { name: 'test', max: 1, settings: { idle_in_transaction_session_timeout: '0' } });
    const holding = await locker.reserve();
    await holding`begin`;
    if (fault === 'locked') await holding`lock table events in access exclusive mode`;
    else signal('SIGSTOP');

    const keys = Array.from({ length: 300 }, (_, i) => `key ${i}`);
    const began = performance.now();
    const refused = await Promise.all(keys.map(post));
    const elapsedMs = performance.now() - began;
    expect(new Set(refused.map(({ statusCode, headers }) => `${statusCode} ${headers['retry-after']}`))).toEqual(
      new Set(['503 1']),
    );
    // Clients may rely on 5 s. With ten retries, commands took 30 s.
    expect(elapsedMs).toBeLessThan(20_000);

    if (fault === 'frozen') signal('SIGCONT');
    await holding`rollback`;
    holding.release();
    await waitFor('commands to go on', async () => (await post('after')).statusCode === 201);
    const again = await Promise.all(keys.map(post));
    expect(again.map(({ statusCode }) => statusCode)).toEqual(keys.map(() => 201));
    expect(await db.sql`select count(*)::int as count from events`).toEqual([{ count: keys.length + 2 }]);
    await app.close();
    await Promise.all([store.end(), locker.end(), db.sql.end()]);
  },
);
