import { encodeToken, type Product } from '@catalogue/contracts';
import { migrateReadModel } from '@catalogue/read-schema';
import { connect, errorCode } from '@catalogue/postgres';
import { createDatabase, type OwnPostgres, startOwnPostgres, waitFor } from '@catalogue/testing';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStream } from '../test/event-source.ts';
import { addChanges, project, startQueryApi, type StartOptions, type Step } from '../test/fixture.ts';

let server: OwnPostgres;

beforeAll(async () => {
  server = await startOwnPostgres();
});
afterAll(async () => server?.[Symbol.asyncDispose]());

/** Starts a query-api on a database with a standby. */
async function start(options: StartOptions = {}) {
  const db = await createDatabase(server.dsn('postgres'), migrateReadModel);
  const name = new URL(db.dsn).pathname.slice(1);
  const standby = await server.startStandby();
  const api = await startQueryApi(db.dsn, options);
  await api.ready();
  return {
    api,
    dsn: db.dsn,
    project: (steps: readonly Step[]) => project(db.sql, steps),
    addChanges: (count: number) => addChanges(db.sql, count),
    get: async <T = Record<string, unknown>>(path: string, headers: Record<string, string> = {}, from = api) => {
      const response = await fetch(from.url + path, { headers });
      return { status: response.status, body: (await response.json()) as T };
    },
    stream: (lastEventId?: string, from = api) =>
      openStream(`${from.url}/products/stream`, lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
    /** Resolves when the API has read the log up to its end, or up to a change. */
    caughtUp: async (last?: number) => {
      const [counter] = await db.sql<{ last: number }[]>`select last from change_counters where generation = 1`;
      await waitFor('the log to be read', () => api.position() === (last ?? counter?.last));
    },
    /** From now on the standby does not receive writes. */
    cutOff: () => standby.cutOff(),
    /** Replaces the primary by the standby, which gets these changes first. */
    failOver: async (written: readonly Step[] = []) => {
      await standby.promote();
      const sql = connect(standby.dsn(name), { name: 'test', max: 1 });
      if (written.length > 0) await project(sql, written);
      await sql.end({ timeout: 5 });
      await server.replaceBy(standby);
    },
    /** Promotes the standby and writes these changes to it; the old primary keeps running. */
    splitBrain: async (written: readonly Step[]) => {
      await standby.promote();
      const sql = connect(standby.dsn(name), { name: 'test', max: 1 });
      await project(sql, written);
      await sql.end({ timeout: 5 });
      return standby.dsn(name);
    },
    /** Resolves when the API reads from the server again. */
    again: () => waitFor('query-api to be back', async () => (await fetch(`${api.url}/products`)).status === 200),
    [Symbol.asyncDispose]: async () => {
      await api[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

const created = (id: string, price = 1): Step => ({ id, version: 1, price });
const withToken = (id: string, version: number, wait = 0) => ({
  'consistency-token': encodeToken({ id, version }),
  prefer: `wait=${wait}`,
});
const newIds = () => Array.from({ length: 4 }, () => randomUUID()) as [string, string, string, string];

describe('after a failover to a standby that lacks the last changes', () => {
  // As many changes as were lost, so that the last number is the same; and more.
  test.each([2, 5])('no lost change is shown, even after %i new changes', async (count) => {
    await using on = await start();
    const [kept, lost, other] = newIds();
    const ask = async () => [
      (await on.get(`/products/${kept}`)).body['price'],
      (await on.get(`/products/${lost}`)).status,
      (await on.get<Product[]>('/products?sort=price&limit=2')).body.map(({ id }) => id),
    ];
    await on.project([created(kept)]);
    await on.cutOff();
    await on.project([created(lost), { id: kept, version: 2, price: 2 }]);
    for (let i = 0; i < 2; i++) expect(await ask()).toEqual([2, 200, [lost, kept]]);
    const others = Array.from({ length: count - 2 }, () => created(randomUUID(), 10));
    await on.failOver([{ id: kept, version: 2, price: 3 }, created(other, 9), ...others]);
    await on.again();
    expect(await ask()).toEqual([3, 404, [kept, other]]);
  });

  test('a stream gets a reset, and so does one that resumes after a lost change', async () => {
    await using on = await start();
    const [kept, lost, other, later] = newIds();
    await on.project([created(kept)]);
    await on.cutOff();
    await on.caughtUp();
    using stream = await on.stream();
    await on.project([created(lost)]);
    await stream.received(1);
    const { id: lastId } = stream.events()[0] ?? {};
    await on.failOver([created(other)]);
    await on.again();
    await stream.received(2);
    expect(stream.events()[1]).toMatchObject({ event: 'reset' });
    using resumed = await on.stream(lastId);
    await resumed.received(1);
    expect(resumed.events()).toMatchObject([{ event: 'reset' }]);
    await on.project([created(later)]);
    for (const each of [stream, resumed]) expect(await each.next('reset')).toMatchObject({ data: { id: later } });
  });

  test('a stream that resumes before the lost changes misses nothing, also from the memory of a new process', async () => {
    await using on = await start();
    const [kept, lost, other] = newIds();
    await on.caughtUp();
    using stream = await on.stream();
    await on.project([created(kept)]);
    await on.cutOff();
    await stream.received(1);
    const { id: lastId } = stream.events()[0] ?? {};
    await on.project([created(lost)]);
    await on.caughtUp();
    await on.failOver([created(other)]);
    await on.again();
    await using anew = await startQueryApi(on.dsn);
    await anew.ready();
    // With its mark, and in the form of the releases before marks.
    for (const id of [lastId, '1-1'])
      for (const api of [on.api, anew]) {
        using resumed = await on.stream(id, api);
        await resumed.received(1);
        expect(resumed.events()).toMatchObject([{ event: 'product.created', data: { id: other } }]);
      }
  });

  test('a stream that is ahead of another instance continues there only if that instance’s log becomes the same', async () => {
    await using on = await start();
    const [kept, lost, other, later] = newIds();
    await on.project([created(kept)]);
    await on.cutOff();
    await on.project([created(lost), { ...created(lost), version: 2 }]);
    await on.caughtUp();
    using stream = await on.stream();
    const ahead = await stream.begun();
    await on.failOver();
    await on.again();
    await on.caughtUp(1);
    using resumed = await on.stream(ahead);
    await resumed.begun();
    for (const id of [other, randomUUID()]) await on.project([created(id)]);
    await resumed.received(1);
    await on.project([created(later)]);
    await resumed.received(2);
    expect(resumed.events()).toMatchObject([{ event: 'reset' }, { data: { id: later } }]);
  });

  test('a stream that resumes after a lost change gets a reset, also for changes older than memory', async () => {
    await using on = await start();
    await on.cutOff();
    await on.addChanges(1_500);
    await on.caughtUp();
    using stream = await on.stream();
    const lastId = await stream.begun();
    await on.failOver();
    await on.again();
    await on.addChanges(13_000);
    await on.caughtUp(13_000);
    using resumed = await on.stream(lastId);
    await resumed.received(1);
    expect(resumed.events()[0]).toMatchObject({ event: 'reset' });
  });

  test('the token of a lost write is never answered, although the write was known before', async () => {
    // Only requests read the log: the first one after the failover meets the state from before it.
    await using on = await start({ followsChanges: false });
    const [kept, lost, other] = newIds();
    await on.project([created(kept)]);
    await on.cutOff();
    await on.project([{ id: kept, version: 2, price: 2 }, created(lost)]);
    const paths = [`/products/${kept}`, `/products/${other}`, '/products?limit=9', '/products?q=mouse'];
    const ask = (path: string) => on.get(path, withToken(kept, 2));
    for (const path of paths) expect((await ask(path)).status).toBe(path.endsWith(other) ? 404 : 200);
    await on.failOver([created(other), created(randomUUID())]);
    const type = (path: string) =>
      waitFor('the new server to be asked', async () => {
        const { status, body } = await ask(path);
        return body['type'] === 'unavailable' ? undefined : (body['type'] ?? status);
      });
    for (const path of paths) expect([path, await type(path)]).toEqual([path, 'read-model-behind']);
  });

  test('a page for a token never comes from a server without the write, while the log comes from another server', async () => {
    await using on = await start();
    const [kept, lost, other] = newIds();
    await on.project([created(kept)]);
    await on.cutOff();
    await on.project([{ id: kept, version: 2, price: 2 }, created(lost)]);
    const listingDsn = await on.splitBrain([created(other), created(randomUUID())]);
    await using split = await startQueryApi(on.dsn, { listingDsn });
    await split.ready();
    for (const path of ['/products?limit=9', '/products?q=mouse&limit=9']) {
      expect(await on.get(path, withToken(kept, 2))).toMatchObject({ status: 200 });
      expect(await on.get<Product[]>(path, {}, split)).toMatchObject({ status: 200 });
      expect(await on.get(path, withToken(kept, 2), split)).toMatchObject({ status: 503 });
    }
  });
});

// Guards patches/postgres@3.4.9.patch: its `discard` used to end the listening connection, which reconnected at once.
test('a standby, which refuses LISTEN, is asked only once', async () => {
  const standby = await server.startStandby();
  const sql = connect(standby.dsn('postgres'), { name: 'listens', max: 1 });
  expect(await sql.listen('news', () => {}).catch(errorCode)).toBe('25006');
  const sessions = async () => {
    const rows = await sql<{ pid: number }[]>`
      select pid, pg_sleep(0.5) from pg_stat_activity where application_name = 'listens' and pid <> pg_backend_pid()`;
    return rows.map(({ pid }) => pid);
  };
  const before = await sessions();
  expect(before).toHaveLength(1);
  expect(await sessions()).toEqual(before);
  await sql.end();
});
