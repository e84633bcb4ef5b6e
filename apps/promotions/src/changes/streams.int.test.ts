import { createLogger, createMetrics } from '@catalogue/service';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { buildApp } from '../app.ts';
import { openCommands } from '../drive/commands.ts';
import { migratePromotions } from '../tables/migrate.ts';

let db: TestDatabase;
let owned: AsyncDisposableStack;

beforeEach(async () => {
  owned = new AsyncDisposableStack();
  db = owned.use(await createDatabase(inject('servers').readDb, migratePromotions));
  await db.sql`
    insert into product_prices (generation, id, version, cents, price_version)
    select 1, 'p' || i, 1, 1000, 1 from generate_series(1, 300) i`;
});
afterEach(async () => await owned?.disposeAsync());

/** A process of promotions without its projection, so nothing is applied. */
async function start() {
  const built = await buildApp({
    projection: { dependencies: {}, work: async () => {} },
    machine: db.sql,
    catalogue: openCommands('http://127.0.0.1:9', { log: createLogger('test', 'silent') }),
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    corsOrigins: [],
  });
  const { app } = built;
  const stop = new AbortController();
  const url = await app.listen({ port: 0, host: '127.0.0.1' });
  const working = built.work(stop.signal);
  owned.defer(async () => {
    stop.abort();
    await Promise.all([app.close(), working]);
  });
  return { app, url };
}
type Instance = Awaited<ReturnType<typeof start>>;

async function open({ url }: Instance, headers: Record<string, string> = {}) {
  const asked = request(`${url}/promotions/stream`, { headers, agent: false }).end();
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  owned.defer(async () => void asked.destroy());
  let text = '';
  let isClosed = false;
  response.setEncoding('utf8').on('data', (piece: string) => (text += piece));
  response.on('error', () => {}).on('close', () => (isClosed = true));
  const blocks = () =>
    text
      .split('\n\n')
      .slice(0, -1)
      .map((block) => Object.fromEntries(block.split('\n').map((line) => line.split(/: (.*)/).slice(0, 2))) as Block);
  return {
    status: response.statusCode,
    type: response.headers['content-type'],
    resets: () => blocks().filter(({ event }) => event === 'reset').length,
    states: (id: string) =>
      blocks()
        .filter(({ event }) => event === 'promotion')
        .map(({ data }) => JSON.parse(data) as { id: string; state: string; items: object })
        .filter((promotion) => promotion.id === id),
    lastId: () => blocks().findLast(({ id }) => id !== undefined)?.id ?? '',
    disconnect: () => asked.destroy(),
    isClosed: () => isClosed,
  };
}
interface Block {
  id: string;
  event: string;
  data: string;
}

const day = 86_400_000;
async function schedule({ url }: Instance, product: string): Promise<string> {
  const period = { startsAt: new Date(Date.now() + day), endsBefore: new Date(Date.now() + 2 * day) };
  const body = JSON.stringify({ name: 'Sale', products: [product], percent: 20, onRefusal: 'skip', ...period });
  const answer = await fetch(`${url}/promotions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  expect(answer.status).toBe(202);
  return ((await answer.json()) as { id: string }).id;
}
const cancel = ({ url }: Instance, id: string) => fetch(`${url}/promotions/${id}/cancel`, { method: 'POST' });

test('streams of every process show a promotion as it changes, with its progress', async () => {
  const first = await start();
  const second = await start();
  const streams = await Promise.all([open(first), open(second)]);
  expect(streams[0]).toMatchObject({ status: 200, type: 'text/event-stream' });
  const id = await schedule(first, 'p1');
  for (const stream of streams) await expect.poll(() => stream.states(id)).toHaveLength(1);
  await cancel(second, id);
  for (const stream of streams) {
    await expect
      .poll(() => stream.states(id))
      .toMatchObject([
        { state: 'scheduled', items: { waiting: 1, untouched: 0 } },
        { state: 'cancelled', items: { waiting: 0, untouched: 1 } },
      ]);
  }
});

test('progress is streamed while the promotion stays in its state', async () => {
  const instance = await start();
  const id = await schedule(instance, 'p1');
  await db.sql`update promotions set state = 'applying', due_at = now() + interval '1 day'`;
  const stream = await open(instance);
  await expect.poll(() => stream.states(id).at(-1)).toMatchObject({ items: { waiting: 1 } });
  await db.sql`update promotion_items set state = 'refused'`;
  await expect.poll(() => stream.states(id).at(-1)).toMatchObject({ items: { waiting: 0, refused: 1 } });
});

test('a change is streamed whose transaction took a minute', async () => {
  const instance = await start();
  const stream = await open(instance);
  const other = await schedule(instance, 'p1');
  await expect.poll(() => stream.states(other)).toHaveLength(1);
  const id = randomUUID();
  await db.sql`
    insert into promotions (id, name, rule, amount, starts_at, ends_before, on_refusal, state, fingerprint, updated_at)
    values (${id}, 'Sale', 'percent', 1, now(), now() + interval '1 day', 'skip', 'ended', '', now() - interval '1 minute')`;
  await expect.poll(() => stream.states(id)).toHaveLength(1);
  expect(stream.states(other)).toHaveLength(1);
});

test('however many promotions are at work, changes are streamed, and the progress of each', async () => {
  const instance = await start();
  await db.sql`
    insert into promotions (id, name, rule, amount, starts_at, ends_before, on_refusal, state, due_at, fingerprint)
    select gen_random_uuid(), 'Sale', 'percent', 1, now(), now() + interval '1 day', 'skip', 'applying', now() + interval '1 day', ''
    from generate_series(1, 600)`;
  const stream = await open(instance);
  const id = await schedule(instance, 'p1');
  await expect.poll(() => stream.states(id)).toMatchObject([{ state: 'scheduled' }]);
  await db.sql`update promotions set state = 'applying', due_at = now() + interval '1 day' where id = ${id}`;
  await db.sql`update promotion_items set state = 'refused'`;
  await expect.poll(() => stream.states(id).at(-1)).toMatchObject({ state: 'applying', items: { refused: 1 } });
});

test('a stream resumes with what it has missed, or says that it was too much', async () => {
  const instance = await start();
  const stream = await open(instance);
  const id = await schedule(instance, 'p1');
  await expect.poll(() => stream.states(id)).toHaveLength(1);
  const lastId = stream.lastId();
  stream.disconnect();
  await cancel(instance, id);
  const resumed = await open(instance, { 'last-event-id': lastId });
  await expect.poll(() => resumed.states(id).at(-1)).toMatchObject({ state: 'cancelled' });
  expect(resumed.resets()).toBe(0);
  const ids = Array.from({ length: 201 }, () => randomUUID());
  await db.sql`
    insert into promotions (id, name, rule, amount, starts_at, ends_before, on_refusal, state, fingerprint)
    select id, 'Sale', 'percent', 1, now(), now() + interval '1 day', 'skip', 'cancelled', '' from unnest(${ids}::uuid[]) id`;
  for (const after of [lastId, 'made-up']) {
    const late = await open(instance, { 'last-event-id': after });
    await expect.poll(() => late.resets()).toBe(1);
    const next = await schedule(instance, after === lastId ? 'p2' : 'p3');
    await expect.poll(() => late.states(next)).toHaveLength(1);
  }
});

test('streams end when the process stops', async () => {
  const instance = await start();
  const stream = await open(instance);
  await instance.app.close();
  await expect.poll(() => stream.isClosed()).toBe(true);
});

test('other processes and the relay hear of every change after its commit', async () => {
  const instance = await start();
  const heard: string[] = [];
  for (const channel of ['promotions_changed', 'events_appended']) {
    const { unlisten } = await db.sql.listen(channel, () => void heard.push(channel));
    owned.defer(unlisten);
  }
  const hears = async () => {
    await expect.poll(() => new Set(heard).size).toBe(2);
    heard.length = 0;
  };
  const id = await schedule(instance, 'p1');
  await hears();
  await cancel(instance, id);
  await hears();
});
