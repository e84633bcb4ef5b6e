import { encodeToken } from '@catalogue/contracts';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, openDoor, type TestDatabase } from '@catalogue/testing';
import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { addGeneration, lockTable, project, startQueryApi, switchTo } from '../../test/fixture.ts';

let db: TestDatabase;
let api: Awaited<ReturnType<typeof startQueryApi>>;

beforeAll(async () => {
  db = await createDatabase(inject('servers').readDb, migrateReadModel);
  api = await startQueryApi(db.dsn);
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await db?.[Symbol.asyncDispose]();
});

/** Sends a query with a token for a product’s version. */
async function ask(path: string, version: number, { id = path.slice(10), wait = 10, signal = neverAborted } = {}) {
  const headers = { 'consistency-token': encodeToken({ id, version }), prefer: `wait=${wait}` };
  const response = await fetch(api.url + path, { headers, signal });
  const body = (await response.json()) as Record<string, unknown>;
  return { status: response.status, body, retryAfter: response.headers.get('retry-after') };
}
const neverAborted = new AbortController().signal;

describe('a token', () => {
  test('of a visible write causes no wait', async () => {
    const id = randomUUID();
    await project(db.sql, [{ id, version: 3 }]);
    expect(await ask(`/products/${id}`, 3, { wait: 0 })).toMatchObject({ status: 200, body: { version: 3 } });
    expect(await ask(`/products/${id}`, 2, { wait: 0 })).toMatchObject({ status: 200, body: { version: 3 } });
  });
  test('of a write on its way delays the answer until it is visible: for a product, and for the list', async () => {
    const id = randomUUID();
    await project(db.sql, [{ id, version: 1, name: '' }]);
    const answers = [ask(`/products/${id}`, 2), ask('/products?limit=1', 2, { id })];
    await api.waiting(2);
    await project(db.sql, [{ id, version: 2, name: '' }]);
    expect(await Promise.all(answers)).toMatchObject([
      { status: 200, body: { id, version: 2 } },
      { status: 200, body: [{ id, version: 2 }] },
    ]);
    await api.waiting(0);
  });
  test('can be sent in the query string, and several are waited for together', async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    await project(db.sql, [{ id: a, version: 1 }]);
    const tokens = [a, b].map((id) => encodeToken({ id, version: 1 })).join(',');
    const answer = fetch(`${api.url}/products/${a}?after=${tokens}`);
    await api.waiting(1);
    await project(db.sql, [{ id: b, version: 1 }]);
    expect((await answer).status).toBe(200);
  });
  test('of a write that is not visible in time is refused with how far behind the read model is', async () => {
    const id = randomUUID();
    await project(db.sql, [{ id, version: 1 }]);
    expect(await ask(`/products/${id}`, 2, { wait: 0 })).toMatchObject({
      status: 503,
      retryAfter: '1',
      body: {
        type: 'read-model-behind',
        detail: expect.stringMatching(
          `^After 0 s product ${id} is at version 1, not 2; the newest change of any product is \\d+\\.\\d s old$`,
        ),
      },
    });
  });
  test('is refused with the age of the newest change on the clock of the database', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 5 * 60 * 60 * 1000 });
    onTestFinished(() => void vi.useRealTimers());
    const id = randomUUID();
    await project(db.sql, [{ id, version: 1 }]);
    const { body } = await ask(`/products/${id}`, 2, { wait: 0 });
    const [, age] = / (-?\d+\.\d) s old$/.exec(String(body['detail'])) ?? [];
    expect(Number(age)).toBeGreaterThanOrEqual(0);
    expect(Number(age)).toBeLessThan(3_600);
  });
  test('of a parked product is refused at once, also while it waits; tokens of others are not', async () => {
    const [parked, later] = [randomUUID(), randomUUID()];
    await project(db.sql, [{ id: parked, version: 1, parked: true }]);
    const refused = { status: 503, body: { type: 'product-parked' } };
    expect(await ask(`/products/${parked}`, 2)).toMatchObject(refused);
    expect(await ask(`/products/${parked}`, 1)).toMatchObject({ status: 200 });
    const answer = ask(`/products/${later}`, 2);
    await api.waiting(1);
    await project(db.sql, [{ id: later, version: 0, kind: 'none', parked: true }]);
    expect(await answer).toMatchObject(refused);
  });
  test('of a product whose parked events are being released waits for them as for any other write', async () => {
    const [released, blocked] = [randomUUID(), randomUUID()];
    await project(db.sql, [
      { id: released, version: 1, parked: true },
      { id: blocked, version: 1, parked: true },
    ]);
    for (const [offset, id] of [released, blocked].entries()) {
      await db.sql`
        insert into parked_events (generation, topic, partition, "offset", product_id, version, reason, detail, draining)
        values (1, 'events', 0, ${offset}, ${id}, 2, 'queued', 'Being released', true)`;
    }
    expect(await ask(`/products/${released}`, 3, { wait: 0 })).toMatchObject({
      status: 503,
      body: { type: 'read-model-behind' },
    });
    const answers = [released, blocked].map((id) => ask(`/products/${id}`, 3));
    await api.waiting(2);
    await project(db.sql, [{ id: released, version: 3 }]);
    expect(await answers[0]).toMatchObject({ status: 200, body: { version: 3 } });
    // An event in its queue turns out to need an operator.
    await db.sql`update parked_events set version = 3, reason = 'gap', draining = false where product_id = ${blocked}`;
    await project(db.sql, [{ id: blocked, version: 2, parked: true }]);
    expect(await answers[1]).toMatchObject({ status: 503, body: { type: 'product-parked' } });
  });
  test('of a discontinued product leads to 404', async () => {
    const id = randomUUID();
    await project(db.sql, [{ id, version: 1 }]);
    const answer = ask(`/products/${id}`, 2);
    await api.waiting(1);
    await project(db.sql, [{ id, version: 2, kind: 'discontinued' }]);
    expect(await answer).toMatchObject({ status: 404 });
    expect(await ask(`/products/${id}`, 2, { wait: 0 })).toMatchObject({ status: 404 });
  });
  test('stops waiting when its client disconnects', async () => {
    const id = randomUUID();
    const client = new AbortController();
    const answer = ask(`/products/${id}`, 1, { signal: client.signal });
    await api.waiting(1);
    client.abort();
    await expect(answer).rejects.toThrow(/abort/);
    await api.waiting(0);
  });
  test('is not waited for if its client disconnects during the lookup', async () => {
    const id = randomUUID();
    await using lock = await lockTable(db.sql, 'products_g1');
    const headers = { 'consistency-token': encodeToken({ id, version: 1 }), prefer: 'wait=10' };
    const request = httpRequest(`${api.url}/products/${id}`, { headers, agent: false }).on('error', () => {});
    request.end();
    await expect.poll(lock.waiting).toBeGreaterThan(0);
    const [before, connected] = [api.statementsWith('parked'), api.connections()];
    request.destroy();
    await expect.poll(api.connections).toBeLessThan(connected);
    await lock.release();
    await expect.poll(() => api.statementsWith('parked')).toBeGreaterThan(before);
    // Long before its wait of 10 s is over.
    await expect.poll(() => api.metric('token_waiters'), { timeout: 6_000 }).toBe(0);
  });
  test.each([
    ['made up', { 'consistency-token': 'abc' }, '/consistency-token'],
    ['empty', { 'consistency-token': '' }, '/consistency-token'],
    [
      'one of 21',
      {
        'consistency-token': Array(21)
          .fill(encodeToken({ id: 'a', version: 1 }))
          .join(', '),
      },
      '/after',
    ],
    ['with a NUL', { 'consistency-token': encodeToken({ id: 'a\0', version: 1 }) }, '/consistency-token'],
  ])('that is %s is refused', async (_, headers, pointer) => {
    for (const path of ['/products', '/products/a']) {
      const response = await fetch(api.url + path, { headers });
      expect([response.status, await response.json()]).toMatchObject([400, { errors: [{ pointer }] }]);
    }
  });
});

test('requests are refused soon when the database is silent: with a token a second after its wait', async () => {
  const dsn = new URL(db.dsn);
  await using door = await openDoor(Number(dsn.port));
  dsn.host = door.address;
  await using frozen = await startQueryApi(dsn.href);
  await frozen.ready();
  const id = randomUUID();
  await project(db.sql, [{ id, version: 1 }]);
  expect((await fetch(`${frozen.url}/products/${id}`)).status).toBe(200);
  door.freeze();
  const timed = async (headers: Record<string, string>) => {
    const began = performance.now();
    const { status, headers: sent } = await fetch(`${frozen.url}/products/${id}`, { headers });
    return { status, retryAfter: sent.get('retry-after'), seconds: (performance.now() - began) / 1000 };
  };
  const token = { 'consistency-token': encodeToken({ id, version: 1 }), prefer: 'wait=1' };
  const answers = await Promise.all([timed(token), timed({})]);
  const refused = { status: 503, retryAfter: '1' };
  expect(answers).toMatchObject([refused, refused]);
  // The limits are 2 and 5 s. The pool’s own limit of 6 s used to apply twice: to the read under way, and to the next one.
  expect(answers[0].seconds).toBeLessThan(5);
  expect(answers[1].seconds).toBeLessThan(9);
});

test('a thousand waits cost the database few statements, and end together', async () => {
  const ids = Array.from({ length: 1_000 }, () => randomUUID());
  const reads = () => api.statementsWith('change_counters');
  const others = () => api.statements() - reads();
  // Without connections, which take long to open on a busy machine: all have to wait before the first gives up.
  const status = async (id: string) => {
    const headers = { 'consistency-token': encodeToken({ id, version: 1 }), prefer: 'wait=10' };
    return (await api.app.inject({ url: `/products/${id}`, headers })).statusCode;
  };
  const answers = Promise.all(ids.map(status));
  await api.waiting(1_000);
  const before = { reads: reads(), others: others() };
  await project(
    db.sql,
    ids.map((id) => ({ id, version: 1 })),
  );
  expect(new Set(await answers)).toEqual(new Set([200]));
  expect(others() - before.others).toBeLessThan(200);
  // The feed reads every 50 ms for all waits together: up to 200 reads in the 10 s that they may take.
  expect(reads() - before.reads).toBeLessThan(1_000);
});

test('too many waiting requests are refused at once', async () => {
  const id = randomUUID();
  const headers = { 'consistency-token': encodeToken({ id, version: 1 }), prefer: 'wait=10' };
  const status = async () => (await api.app.inject({ url: `/products/${id}`, headers })).statusCode;
  const answers = Promise.all(Array.from({ length: 2_000 }, status));
  await api.waiting(2_000);
  expect(await ask(`/products/${id}`, 1)).toMatchObject({ status: 503, retryAfter: '1', body: { type: 'overloaded' } });
  await project(db.sql, [{ id, version: 1 }]);
  expect(new Set(await answers)).toEqual(new Set([200]));
});

test('a token stays valid across a switch of generations', async () => {
  const id = randomUUID();
  await addGeneration(db.sql, 2);
  const answer = ask(`/products/${id}`, 2);
  await api.waiting(1);
  await project(db.sql, [{ id, version: 2 }], 2);
  await switchTo(db.sql, 2);
  expect(await answer).toMatchObject({ status: 200, body: { version: 2 } });
  const next = ask(`/products/${id}`, 3);
  await api.waiting(1);
  await project(db.sql, [{ id, version: 3 }], 2);
  expect(await next).toMatchObject({ status: 200, body: { version: 3 } });
});

test('a token is never answered from a newly serving generation that lacks the write', async () => {
  await using own = await createDatabase(inject('servers').readDb, migrateReadModel);
  await using other = await startQueryApi(own.dsn);
  await other.ready();
  const id = randomUUID();
  await project(own.sql, [{ id, version: 2 }]);
  await addGeneration(own.sql, 2);
  await project(own.sql, [{ id, version: 1, parked: true }], 2);
  const token = encodeToken({ id, version: 2 });
  for (const path of [`/products/${id}`, '/products?limit=3', '/products?q=mouse&limit=3']) {
    await switchTo(own.sql, 1);
    expect((await fetch(other.url + path, { headers: { 'consistency-token': token } })).status).toBe(200);
    await project(own.sql, [
      { id: randomUUID(), version: 1 },
      { id, version: 2 },
    ]);
    // The read waits for its view after the log was read. The test locks both views, as a switch replaces both.
    await using lock = await lockTable(own.sql, 'listed_products');
    await lock.holder`lock table products_read in access exclusive mode`;
    const answer = fetch(other.url + path, { headers: { 'consistency-token': token } });
    await expect.poll(lock.waiting).toBe(1);
    await lock.holder`update generations set state = 'retired' where state = 'serving'`;
    await lock.holder`update generations set state = 'serving' where generation = 2`;
    await lock.holder`select show_generation(2)`;
    await lock.commit();
    const { status } = await answer;
    expect([path, status, ((await (await answer).json()) as { type?: string }).type]).toEqual([
      path,
      503,
      'product-parked',
    ]);
  }
});
