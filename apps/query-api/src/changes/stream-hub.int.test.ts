import { encodeToken } from '@catalogue/contracts';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, type TestDatabase, waitFor } from '@catalogue/testing';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { IncomingMessage, request as httpRequest, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { openStream } from '../../test/event-source.ts';
import {
  addChanges as addChangesTo,
  addGeneration,
  lockTable,
  project,
  startQueryApi,
  switchTo,
} from '../../test/fixture.ts';

type Api = Awaited<ReturnType<typeof startQueryApi>>;
let db: TestDatabase;
let api: Api;

beforeAll(async () => {
  db = await createDatabase(inject('servers').readDb, migrateReadModel);
});
afterAll(async () => db?.[Symbol.asyncDispose]());
beforeEach(async () => {
  api = await startQueryApi(db.dsn);
  await api.ready();
});
afterEach(async () => api?.[Symbol.asyncDispose]());

const open = (query = '', headers: Record<string, string> = {}, from: Api = api) =>
  openStream(`${from.url}/products/stream${query}`, headers);

const addChanges = (count: number, name?: string) => addChangesTo(db.sql, count, name);

const numbers = (events: readonly { id: string | undefined }[]) => events.map(({ id }) => Number(id?.split('-')[1]));

describe('a stream', () => {
  test('sends each change with the product after it', async () => {
    using stream = await open();
    expect(stream.headers).toMatchObject({ 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    const id = randomUUID();
    await project(db.sql, [{ id, version: 1, name: 'Mouse', price: 39.9 }]);
    await project(db.sql, [
      { id, version: 2, name: 'Mouse', price: 34.5 },
      { id, version: 3, kind: 'none', name: 'Mouse', price: 34.5 },
      { id, version: 4, kind: 'discontinued', name: 'Mouse', price: 34.5 },
    ]);
    await stream.received(3);
    expect(stream.events()).toMatchObject([
      { event: 'product.created', data: { id, version: 1, name: 'Mouse', price: 39.9 } },
      { event: 'product.updated', data: { id, version: 2, price: 34.5 } },
      { event: 'product.discontinued', data: { id, version: 4 } },
    ]);
  });

  test('can be filtered by ids or by prices, and its heartbeat says how far it is', async () => {
    const [a, b] = [randomUUID(), randomUUID()];
    using ofA = await open(`?ids=${a},nothing`);
    using cheap = await open('?maxPrice=10');
    await project(db.sql, [
      { id: b, version: 1, price: 9 },
      { id: a, version: 1, price: 11 },
      { id: a, version: 2, price: 12 },
    ]);
    await Promise.all([ofA.received(2), cheap.received(1)]);
    expect([ofA.events(), cheap.events()]).toMatchObject([
      [{ data: { id: a } }, { data: { id: a, version: 2 } }],
      [{ data: { id: b, version: 1 } }],
    ]);
    api.streams.beat();
    const told = Number(cheap.events()[0]?.id?.split('-')[1]);
    await expect
      .poll(() => [ofA.lastId(), cheap.lastId()])
      .toEqual([expect.stringMatching(`^1-${told + 2}-`), expect.stringMatching(`^1-${told + 2}-`)]);
  });

  test('of a price range sends changes into, inside and out of the range, from memory and after a restart', async () => {
    const from = await addChanges(1);
    const [through, outside] = [randomUUID(), randomUUID()];
    using live = await open('?minPrice=5&maxPrice=10');
    for (const [version, price] of [20, 10, 5, 4.99, 3].entries())
      await project(
        db.sql,
        [through, outside].map((id) => ({ id, version: version + 1, price: id === outside ? 20 : price })),
      );
    await project(db.sql, [
      { id: through, version: 6, price: 5.01 },
      { id: through, version: 7, price: 5.01, kind: 'discontinued' },
    ]);
    await using other = await startQueryApi(db.dsn);
    await other.ready();
    using resumed = await open('?minPrice=5&maxPrice=10', { 'last-event-id': `1-${from}` }, other);
    for (const stream of [live, resumed]) {
      await stream.received(5);
      expect(stream.events().map(({ data }) => [data?.id, data?.version])).toEqual(
        [2, 3, 4, 6, 7].map((version) => [through, version]),
      );
    }
  });

  test('of a price range sends every update by a worker of an older release, which recorded no earlier price', async () => {
    using stream = await open('?maxPrice=1');
    const last = await addChanges(3);
    await stream.received(3);
    await db.sql`update changes set kind = 'updated', price = 5 where seq = ${last}`;
    await using other = await startQueryApi(db.dsn);
    await other.ready();
    using resumed = await open('?maxPrice=1', { 'last-event-id': `1-${last - 1}` }, other);
    await resumed.received(1);
    expect(resumed.events()).toMatchObject([{ event: 'product.updated', data: { price: 5 } }]);
  });

  test('is not kept if its client disconnects before it opens', async () => {
    await using lock = await lockTable(db.sql, 'change_counters');
    await using other = await startQueryApi(db.dsn);
    const request = httpRequest(`${other.url}/products/stream`, { agent: false })
      .on('error', () => {})
      .end();
    await once(other.app.server, 'request');
    request.destroy();
    await expect.poll(other.connections).toBe(0);
    await lock.release();
    await other.ready();
    const last = await open('', {}, other);
    expect(await other.metric('stream_clients')).toBe(1);
    last[Symbol.dispose]();
    await expect.poll(() => other.metric('stream_clients')).toBe(0);
  });

  test('resumes after the last event, also on another instance', async () => {
    using first = await open();
    await project(db.sql, [{ id: randomUUID(), version: 1 }]);
    await first.received(1);
    const lastEventId = { 'last-event-id': first.lastId() };
    first[Symbol.dispose]();
    const missed = Array.from({ length: 5 }, () => randomUUID());
    await project(
      db.sql,
      missed.map((id) => ({ id, version: 1 })),
    );
    await using other = await startQueryApi(db.dsn);
    await other.ready();
    using here = await open('', lastEventId);
    using there = await open('', lastEventId, other);
    const later = randomUUID();
    await project(db.sql, [{ id: later, version: 1 }]);
    for (const stream of [here, there]) {
      await stream.received(6);
      expect(stream.events().map(({ data }) => data?.id)).toEqual([...missed, later]);
    }
  });

  test('and many others that resume from before memory read the database once', async () => {
    const before = await addChanges(1);
    const last = await addChanges(13_000);
    await waitFor('the changes to be read', () => api.position() === last);
    const statements = api.statements();
    const streams = await Promise.all(Array.from({ length: 20 }, () => open('', { 'last-event-id': `1-${before}` })));
    for (const stream of streams) {
      await stream.received(13_000);
      expect(numbers(stream.events())).toEqual(Array.from({ length: 13_000 }, (_, i) => before + 1 + i));
      stream[Symbol.dispose]();
    }
    // Four blocks of a thousand changes, and the feed’s own reads.
    expect(api.statements() - statements).toBeLessThan(100);
  });

  test('of a client that does not read takes bounded memory, and misses nothing when the client reads on', async () => {
    using slow = await open();
    using quick = await open();
    const before = api.position() ?? 0;
    slow.pause();
    // Over 8 MB: more than the system’s buffers hold.
    for (let i = 0; i < 8; i++) await addChanges(2_000, 'x'.repeat(400));
    await quick.received(16_000);
    expect(api.buffered()).toBeLessThan(2 * (64 * 1024 + 200 * 1024));
    slow.resume();
    await slow.received(16_000);
    expect(numbers(slow.events())).toEqual(Array.from({ length: 16_000 }, (_, i) => before + 1 + i));
  });

  test('is cut off when its client reads nothing for ten seconds', async () => {
    using slow = await open();
    slow.pause();
    for (let i = 0; i < 8; i++) await addChanges(2_000, 'x'.repeat(400));
    await expect.poll(() => api.metric('stream_clients')).toBe(0);
    slow.resume();
    expect(await slow.closed()).toBe(true);
  });

  test('costs the database nothing extra beside a thousand others', async () => {
    const streams = await Promise.all(Array.from({ length: 200 }, () => open()));
    const before = api.statements();
    const id = randomUUID();
    for (let version = 1; version <= 5; version++) await project(db.sql, [{ id, version }]);
    for (const stream of streams) {
      await stream.received(5);
      expect(stream.events().map(({ data }) => data?.version)).toEqual([1, 2, 3, 4, 5]);
      stream[Symbol.dispose]();
    }
    expect(api.statements() - before).toBeLessThan(100);
  });

  test.each(['nonsense', '7-1', '1-0'])('that resumes after %s, which is unknown, gets a reset', async (id) => {
    await db.sql`delete from changes where seq < 10`;
    await using other = await startQueryApi(db.dsn);
    await other.ready();
    using stream = await open('', { 'last-event-id': id }, other);
    await stream.received(1);
    const product = randomUUID();
    await project(db.sql, [{ id: product, version: 1 }]);
    await stream.received(2);
    expect(stream.events()).toMatchObject([{ event: 'reset' }, { data: { id: product } }]);
  });

  test('that is ahead of this instance waits for it, but not for ever', async () => {
    const position = await addChanges(1);
    await expect.poll(() => api.position()).toBe(position);
    using stream = await open('', { 'last-event-id': `1-${position + 2}` });
    await addChanges(3);
    await stream.received(1);
    expect(numbers(stream.events())).toEqual([position + 3]);
    using restored = await open('', { 'last-event-id': `1-${position + 1_000}` });
    await expect.poll(() => restored.blocks.length).toBe(1);
    api.streams.beat();
    api.streams.beat();
    await restored.received(1);
    expect(restored.events()).toMatchObject([{ event: 'reset', id: expect.stringMatching(`^1-${position + 3}-`) }]);
  });

  test('gets a heartbeat every 15 seconds', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    using stream = await open();
    await waitFor('the beginning', () => stream.blocks.length === 1);
    for (let beats = 1; beats <= 2; beats++) {
      vi.advanceTimersByTime(14_999);
      expect(stream.blocks).toHaveLength(beats);
      vi.advanceTimersByTime(1);
      await waitFor('the heartbeat', () => stream.blocks.length === beats + 1);
    }
  });

  test('is refused when too many are open', async () => {
    const responses = Array.from({ length: 5_000 }, () => new ServerResponse(new IncomingMessage(new Socket())));
    await api.streams.awaitRoom();
    for (const response of responses) api.streams.open(response, undefined, undefined);
    using refused = await open();
    expect([refused.status, refused.headers['retry-after']]).toEqual([503, '1']);
    for (const response of responses) response.emit('close');
    using stream = await open();
    expect(stream.status).toBe(200);
  });

  test('waits for the write of a token', async () => {
    const id = randomUUID();
    const token = { 'consistency-token': encodeToken({ id, version: 1 }) };
    using refused = await open('', { ...token, prefer: 'wait=0' });
    expect(refused.status).toBe(503);
    const opening = open('', token);
    await api.waiting(1);
    await project(db.sql, [{ id, version: 1 }]);
    using stream = await opening;
    expect(stream.status).toBe(200);
  });

  test.each([
    ['?colour=red', {}, 400],
    ['?minPrice=2&maxPrice=1', {}, 400],
    ['?ids=a,,b', {}, 400],
    [`?ids=${Array(101).fill('a').join(',')}`, {}, 400],
    ['', { accept: 'application/json' }, 406],
    ['', { 'consistency-token': 'made up' }, 400],
  ])('%s %j is refused', async (query, headers, status) => {
    using stream = await open(query, headers);
    expect([stream.status, stream.headers['content-type']]).toEqual([status, 'application/problem+json']);
  });

  test('that has ended but is still being sent gets no further changes', async () => {
    await api.streams.awaitRoom();
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    const errors: unknown[] = [];
    response.on('error', (error) => errors.push(error));
    api.streams.open(response, undefined, undefined);
    const last = await addChanges(1);
    await waitFor('the change to be read', () => api.position() === last);
    api.streams.stop();
    expect([response.writableEnded, response.writableFinished]).toEqual([true, false]);
    const later = await addChanges(1);
    await waitFor('the change to be read', () => api.position() === later);
    api.streams.beat();
    expect(errors).toEqual([]);
    response.emit('close');
  });

  test('ends when the process stops', async () => {
    using stream = await open();
    await api.app.close();
    expect(await stream.closed()).toBe(true);
  });
});

test('streams get a reset after a switch of generations, and follow the new one', async () => {
  await addGeneration(db.sql, 2);
  using stream = await open();
  await switchTo(db.sql, 2);
  await stream.received(1);
  const id = randomUUID();
  await project(db.sql, [{ id, version: 1 }], 2);
  await stream.received(2);
  expect(stream.events()).toMatchObject([
    { event: 'reset', id: expect.stringMatching(/^2-0-[0-9a-z]+$/) },
    { event: 'product.created', id: expect.stringMatching(/^2-1-[0-9a-z]+$/), data: { id } },
  ]);
});

test('live and resumed streams get a reset after the read database was emptied and refilled', async () => {
  await using own = await createDatabase(inject('servers').readDb, migrateReadModel);
  await using following = await startQueryApi(own.dsn);
  await following.ready();
  using live = await open('', {}, following);
  await addChangesTo(own.sql, 3);
  await live.received(3);
  const resumed = { 'last-event-id': live.lastId() };
  await own.sql.unsafe('drop schema public cascade; drop schema if exists drizzle cascade; create schema public');
  await migrateReadModel(own.dsn);
  // As many changes as before, and more: the numbers are the same, but the changes differ.
  for (const more of [3, 2]) {
    await addChangesTo(own.sql, more, 'another');
    await waitFor('the new log to be read', () => following.position() === (more === 3 ? 3 : 5));
    using stream = await open('', resumed, following);
    await stream.received(1);
    expect(stream.events()[0]).toMatchObject({ event: 'reset' });
  }
  await waitFor('the reset of the live stream', () => live.events().some(({ event }) => event === 'reset'));
});
