import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createLogger } from '@catalogue/service';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { next } from '../machine/promotion.ts';
import { claimChunk } from '../tables/claims.ts';
import { holdMs } from '../tables/due.ts';
import { migratePromotions } from '../tables/migrate.ts';
import { storeMove } from '../tables/moves.ts';
import { operatePromotion } from '../tables/operations.ts';
import { machineOf, readPromotion } from '../tables/promotion-row.ts';
import { schedule } from '../tables/schedule.ts';
import { markSent, readUnanswered, settleSteps } from '../tables/steps.ts';
import { openCommands } from './commands.ts';
import { Slots } from './slots.ts';
import { applySome, claim, giveBackSome, type Tools } from './work.ts';

/** What stands in front of command-api, or is not there: answers that only a fault or a proxy gives. */
let answers: (path: string, sent: Sent) => Faked | Promise<Faked>;
interface Faked {
  status: number;
  type: string;
  body: string;
}
interface Sent {
  key: unknown;
  body: unknown;
}
let server: Server;
let seen: string[];
let db: TestDatabase;
let tools: Tools;

beforeEach(async () => {
  seen = [];
  answers = () => ({ status: 404, type: 'text/html', body: '<h1>Not Found</h1>' });
  server = createServer((request, response) => {
    seen.push(request.url ?? '');
    void json(request).then(async (sent) => {
      const { status, type, body } = await answers(request.url ?? '', {
        key: request.headers['idempotency-key'],
        body: sent,
      });
      response.writeHead(status, { 'content-type': type }).end(body);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  db = await createDatabase(inject('servers').readDb, migratePromotions);
  const catalogue = openCommands(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, {
    log: createLogger('test', 'silent'),
  });
  tools = { sql: db.sql, catalogue, slots: new Slots(16, 4), onAnswered: () => {} };
});
afterEach(async () => {
  server.close();
  server.closeAllConnections();
  await db[Symbol.asyncDispose]();
});

const problem = (status: number, type: string) => () => ({
  status,
  type: 'application/problem+json',
  body: JSON.stringify({ type, title: type, status }),
});
const signal = new AbortController().signal;

/** A promotion that is applied now, of so many products of 10.00 at version 1. */
async function applying(count: number, forMs = 60_000): Promise<string> {
  const products = Array.from({ length: count }, (_, index) => `p${String(index).padStart(4, '0')}`);
  await db.sql`
    insert into product_prices (generation, id, version, cents, price_version)
    select 1, product, 1, 1000, 1 from unnest(${products}::text[]) product`;
  const id = randomUUID();
  const period = { startsAt: new Date(), endsBefore: new Date(Date.now() + forMs) };
  const rule = { kind: 'percent', amount: 2_000 } as const;
  await schedule(db.sql, {
    id,
    key: null,
    origin: {},
    query: null,
    fingerprint: '',
    name: 'Sale',
    rule,
    products,
    ...period,
    onRefusal: 'skip',
  });
  if (count >= claimChunk) {
    while (await isUnclaimed(id)) await claim(tools, (await row(id)).row);
    await move(id);
  }
  await move(id);
  return id;
}

async function row(id: string) {
  const view = await readPromotion(db.sql, id);
  if (view === undefined) throw new Error('There is no such promotion');
  return view;
}

const isUnclaimed = async (id: string) => !(await row(id)).row.isClaimed;

/** Stores the move that is due; @returns the state after it. */
async function move(id: string): Promise<string> {
  const view = await row(id);
  const effect = next(machineOf(view.row), view.items, view.now);
  if (effect.type !== 'move') throw new Error(`Nothing moves: ${effect.type}`);
  await storeMove(db.sql, view.row, effect);
  return effect.to;
}

const counts = async (id: string) =>
  Object.fromEntries(Object.entries((await row(id)).items).filter(([, count]) => count > 0));

test('while command-api is away, no more steps are stored, and after the end only those that may have been sent are sent', async () => {
  const id = await applying(600);
  for (let round = 0; round < 3; round++) await applySome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ waiting: 88, applying: 512 });
  await db.sql`update promotions set ends_before = clock_timestamp() + interval '1 ms'`;
  seen = [];
  await expect.poll(async () => await move(id).catch(() => '')).toBe('reverting');
  expect(await counts(id)).toEqual({ untouched: 596, applying: 4 });
  expect(await db.sql`select from claims`).toHaveLength(4);
  await giveBackSome(tools, (await row(id)).row, signal);
  expect(seen.length).toBeGreaterThan(0);
  expect(new Set(seen).size).toBeLessThanOrEqual(4);
});

test.each(['reverting', 'compensating'])(
  'a step that may have been sent is prevented once its promotion is %s',
  async (state) => {
    const id = await applying(3);
    await applySome(tools, (await row(id)).row, signal);
    expect(await counts(id)).toEqual({ applying: 3 });
    await db.sql`update promotions set state = ${state}`;
    const sent: unknown[] = [];
    answers = (path, request) => {
      sent.push(request);
      // The second was applied already.
      if (path.includes('p0001')) return problem(422, 'key-reused')();
      return {
        status: 200,
        type: 'application/json',
        body: JSON.stringify({ id: path.split('/').at(-1), version: 1 }),
      };
    };
    await giveBackSome(tools, (await row(id)).row, signal);
    expect(sent).toEqual(
      ['p0000', 'p0001', 'p0002'].map((product) => ({ key: `${id}/${product}/apply/1`, body: { price: 10 } })),
    );
    expect(await counts(id)).toEqual({ untouched: 2, applying: 1 });
    expect(await db.sql`select product from claims`).toEqual([{ product: 'p0001' }]);
  },
);

test.each([
  ['compensating', 'untouched'],
  // Its key was used by someone else.
  ['applying', 'refused'],
])('a step whose key another command has is, in a promotion that is %s, %s', async (state, outcome) => {
  const id = await applying(1);
  // As by a process that was frozen until another one had prevented the step.
  answers = async () => {
    await db.sql`update promotions set state = ${state}`;
    return problem(422, 'key-reused')();
  };
  await applySome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ [outcome]: 1 });
  expect(await db.sql`select from claims`).toEqual([]);
});

test('a round sends no command once the promotion may be held by another process', async () => {
  const id = await applying(3);
  answers = accept;
  await applySome(tools, (await row(id)).row, signal, performance.now() - holdMs / 2);
  expect(seen).toEqual([]);
  await applySome(tools, (await row(id)).row, signal, performance.now() - holdMs / 10);
  expect(seen).toHaveLength(3);
});

test('a step that is lost while its promotion is cancelled leaves its product untouched', async () => {
  const id = await applying(2);
  await applySome(tools, (await row(id)).row, signal);
  // Someone else has changed the product, so the step can never take effect.
  await db.sql`update product_prices set version = 2, price_version = 2, cents = 1100`;
  const locked = Promise.withResolvers<void>();
  const cancelled = Promise.withResolvers<void>();
  const locker = db.sql.begin(async (tx) => {
    await tx`select from promotion_items for update`;
    locked.resolve();
    await cancelled.promise;
  });
  await locked.promise;
  const settling = settleSteps(db.sql, id);
  await expect
    .poll(() => db.sql`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`)
    .toHaveLength(1);
  expect(await operatePromotion(db.sql, id, 'cancel')).toMatchObject({ row: { state: 'compensating' } });
  cancelled.resolve();
  await Promise.all([locker, settling]);
  expect(await move(id)).toBe('undone');
  expect(await counts(id)).toEqual({ untouched: 2 });
});

test('of the steps whose events do not arrive, no more than 2 000 are under way', async () => {
  const id = await applying(2_400);
  answers = (path) => ({
    status: 200,
    type: 'application/json',
    body: JSON.stringify({ id: path.split('/').at(-1), version: 2 }),
  });
  for (let round = 0; round < 20; round++) await applySome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ waiting: 400, applying: 2_000 });
  const one = `${id}/p0000/apply/1`;
  await db.sql`insert into confirmed_steps values (${one}, 2, 800)`;
  await db.sql`update product_prices set version = 2, price_version = 2, cents = 800 where id = 'p0000'`;
  for (let round = 0; round < 2; round++) await applySome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ waiting: 399, applying: 2_000, applied: 1 });
});

test('when an outage begins, no more steps are marked than were under way at once', async () => {
  const id = await applying(600);
  // Commands under way grow to 16; then no answer comes until as many wait.
  let accepted = 0;
  let waiting = 0;
  const full = Promise.withResolvers<void>();
  answers = async (path) => {
    if (accepted++ < 40) return accept(path);
    if (++waiting === 16) full.resolve();
    await full.promise;
    return { status: 404, type: 'text/html', body: 'Not Found' };
  };
  await applySome(tools, (await row(id)).row, signal);
  expect(waiting).toBe(16);
  const marked =
    await db.sql`select from promotion_items where step is not null and not unsent and answered_at is null`;
  expect(marked).toHaveLength(16);
});

test('a round that began before the end sends no step after it', async () => {
  const id = await applying(10);
  const before = (await row(id)).row;
  await db.sql`update promotions set ends_before = starts_at + interval '1 ms'`;
  await applySome(tools, before, signal);
  expect(seen).toEqual([]);
});

/** Accepts every command at version 2. */
const accept = (path: string) => ({
  status: 200,
  type: 'application/json',
  body: JSON.stringify({ id: path.split('/').at(-1), version: 2 }),
});

test('a round that began before the end sends no step after it that was sent before the end', async () => {
  const id = await applying(3);
  await applySome(tools, (await row(id)).row, signal);
  expect(await db.sql`select from promotion_items where not unsent`).toHaveLength(3);
  const before = (await row(id)).row;
  await db.sql`update promotions set ends_before = starts_at + interval '1 ms'`;
  seen = [];
  answers = accept;
  await applySome(tools, before, signal);
  expect(seen).toEqual([]);
  expect(await move(id)).toBe('reverting');
  answers = (path) => ({ ...accept(path), body: JSON.stringify({ id: path.split('/').at(-1), version: 1 }) });
  await giveBackSome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ untouched: 3 });
});

test('a command that command-api does not take before the end is not sent again after it', async () => {
  const id = await applying(3);
  await db.sql`update promotions set ends_before = clock_timestamp() + interval '1 s'`;
  const atEnd = performance.now() + 1_000;
  // Away until the end, and back before the client gives up.
  answers = (path) => (performance.now() < atEnd ? problem(503, 'overloaded')() : accept(path));
  let unavailable = 0;
  const onAnswered = () => void (unavailable += 1);
  await applySome({ ...tools, onAnswered }, (await row(id)).row, signal);
  expect(new Set(seen).size).toBe(3);
  expect(await counts(id)).toEqual({ applying: 3 });
  expect(await db.sql`select from promotion_items where answered_at is not null`).toEqual([]);
  // The end says nothing about command-api.
  expect(unavailable).toBe(0);
});

test('a process that was frozen over the end sends no command again', async () => {
  const id = await applying(1);
  await db.sql`update promotions set ends_before = clock_timestamp() + interval '3 s'`;
  const atEnd = performance.now() + 3_000;
  let isFrozen = false;
  answers = (path) => {
    if (isFrozen) return accept(path);
    isFrozen = true;
    // The answer is read first, and the client pauses before its next try.
    setTimeout(() => {
      while (performance.now() < atEnd + 100);
    }, 20);
    return problem(503, 'overloaded')();
  };
  await applySome(tools, (await row(id)).row, signal);
  expect(seen).toHaveLength(1);
});

test('what a proxy answers is no refusal', async () => {
  const id = await applying(1);
  const proxied = [
    { status: 404, type: 'text/html', body: '<h1>Not Found</h1>' },
    { status: 403, type: 'application/json', body: '{"message": "no"}' },
    { status: 412, type: 'text/plain', body: 'no' },
    { status: 200, type: 'text/html', body: '<h1>Maintenance</h1>' },
    { status: 200, type: 'application/json', body: '{}' },
  ];
  for (const answer of proxied) {
    answers = () => answer;
    await applySome(tools, (await row(id)).row, signal);
    expect(await db.sql`select state, answered_at from promotion_items`).toEqual([
      { state: 'applying', answered_at: null },
    ]);
  }
  answers = problem(404, 'not-found');
  await applySome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ refused: 1 });
  expect(await db.sql`select from claims`).toHaveLength(0);
});

test('a product for which command-api fails on every try has failed after five, and the others go on', async () => {
  const id = await applying(10);
  const created = { type: 'application/json', status: 200 };
  answers = (path) =>
    path.includes('p0000')
      ? problem(500, 'internal')()
      : { ...created, body: JSON.stringify({ id: path.split('/').at(-1), version: 2 }) };
  for (let round = 0; round < 5; round++) await applySome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ failed: 1, applying: 9 });
  const [failed] = await db.sql`select reason from promotion_items where state = 'failed'`;
  expect(failed?.['reason']).toContain('internal');
});

test('a step of which the answer shows the version unchanged is settled, in both directions', async () => {
  const id = await applying(1);
  answers = (path) => ({
    status: 200,
    type: 'application/json',
    body: JSON.stringify({ id: path.split('/').at(-1), version: 1 }),
  });
  await applySome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ applied: 1 });
  await db.sql`update promotion_items set applied_version = 1`;
  await db.sql`update promotions set state = 'reverting'`;
  await giveBackSome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ 'given-back': 1 });
  expect(await db.sql`select from claims`).toHaveLength(0);
});

test('keeping while prices are given back leaves the remaining ones, and frees their products', async () => {
  const id = await applying(3);
  await db.sql`update promotion_items set state = 'applied', applied_version = 1, before_cents = 1000, promoted_cents = 800`;
  await db.sql`update promotions set state = 'reverting'`;
  await db.sql`update promotion_items set state = 'giving-back', step = 's', step_version = 1 where product = 'p0000'`;
  expect(await operatePromotion(db.sql, id, 'keep')).toMatchObject({ row: { state: 'reverting' } });
  expect(await counts(id)).toEqual({ 'giving-back': 1, kept: 2 });
  expect(await db.sql`select product from claims`).toEqual([{ product: 'p0000' }]);
});

test('a step to give a price back that was not sent when an operator decided to keep is not sent', async () => {
  const id = await applying(300);
  await db.sql`update promotion_items set state = 'applied', applied_version = 1, before_cents = 1000, promoted_cents = 800`;
  await db.sql`update promotions set state = 'reverting'`;
  // Away: four are sent, and all others are stored.
  const before = (await row(id)).row;
  for (let round = 0; round < 2; round++) await giveBackSome(tools, before, signal);
  expect(await counts(id)).toEqual({ 'giving-back': 300 });
  await operatePromotion(db.sql, id, 'keep');
  expect(await counts(id)).toEqual({ 'giving-back': 4, kept: 296 });
  expect(await db.sql`select from claims`).toHaveLength(4);
  seen = [];
  answers = accept;
  await giveBackSome(tools, before, signal);
  expect(seen).toHaveLength(4);
});

test('a step that a round has read before an operator decided to keep is not sent', async () => {
  const id = await applying(2);
  await db.sql`
    update promotion_items set state = 'giving-back', applied_version = 1, before_cents = 1000, promoted_cents = 800,
      step = ${id} || '/' || product || '/give-back/1', step_version = 1, unsent = true`;
  await db.sql`update promotions set state = 'reverting'`;
  const steps = await readUnanswered(db.sql, id, 10);
  await operatePromotion(db.sql, id, 'keep');
  expect((await markSent(db.sql, id, steps)).steps).toEqual([]);
  // Also where the step was stored at the same moment.
  await db.sql`update promotion_items set state = 'giving-back', unsent = true`;
  expect((await markSent(db.sql, id, steps)).steps).toEqual([]);
  answers = accept;
  await giveBackSome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ kept: 2 });
  expect(seen).toEqual([]);
});

test('what was under way when an operator decided to keep is kept, too, unless it was given back', async () => {
  const id = await applying(4);
  const [renamed, late, unknown] = ['p0000', 'p0001', 'p0002'];
  await db.sql`
    update promotion_items set state = 'giving-back', applied_version = 2, before_cents = 1000, promoted_cents = 800,
      step = ${id} || '/' || product || '/give-back/2', step_version = 2, answered_at = now()`;
  await db.sql`
    update promotion_items set state = 'applying', applied_version = null, step = ${`${id}/${late}/apply/1`}, step_version = 1
    where product = ${late}`;
  await db.sql`update product_prices set version = 2, price_version = 2, cents = 800 where id <> ${late}`;
  await db.sql`update promotions set state = 'reverting'`;
  const before = (await row(id)).row;
  await operatePromotion(db.sql, id, 'keep');
  expect(await counts(id)).toEqual({ 'giving-back': 3, applying: 1 });

  await db.sql`update product_prices set version = 3 where id = ${renamed}`;
  await db.sql`update product_prices set version = 2, price_version = 2, cents = 800 where id = ${late}`;
  await db.sql`insert into confirmed_steps values (${`${id}/${late}/apply/1`}, 2, 800)`;
  // Also by a process that read the promotion before.
  await giveBackSome(tools, before, signal);
  await giveBackSome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ 'giving-back': 2, kept: 2 });
  expect(seen).toEqual([]);
  const claimed = await db.sql`select product from claims order by product`;
  expect(claimed.map(({ product }) => product)).toEqual([unknown, 'p0003']);
});

test('a promotion that is cancelled after all gives back what it was to keep', async () => {
  const id = await applying(2);
  await db.sql`update promotion_items set state = 'giving-back', applied_version = 1, before_cents = 1000, promoted_cents = 800`;
  await db.sql`update promotions set state = 'reverting'`;
  await operatePromotion(db.sql, id, 'keep');
  await db.sql`update promotion_items set state = 'failed'`;
  expect(await move(id)).toBe('needs-attention');
  await operatePromotion(db.sql, id, 'cancel');
  await giveBackSome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ 'giving-back': 2 });
});

test('a confirmation by another generation counts once the serving one has the event, too', async () => {
  const id = await applying(1);
  await applySome(tools, (await row(id)).row, signal);
  await db.sql`insert into confirmed_steps values (${`${id}/p0000/apply/1`}, 2, 800)`;
  await applySome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ applying: 1 });
  await db.sql`update product_prices set version = 2, price_version = 2, cents = 800`;
  await applySome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ applied: 1 });
});

test('where the event of a step may have been discarded, an operator decides, and a retry does not overwrite the price', async () => {
  const id = await applying(1);
  await applySome(tools, (await row(id)).row, signal);
  await db.sql`update product_prices set version = 2, cents = null`;
  await applySome(tools, (await row(id)).row, signal);
  expect(await counts(id)).toEqual({ failed: 1 });
  expect(await move(id)).toBe('needs-attention');
});

test('the confirmations of a promotion that is over are removed', async () => {
  const id = await applying(1);
  const other = randomUUID();
  await db.sql`insert into confirmed_steps values (${`${id}/p0000/apply/1`}, 2, 800), (${`${other}/p0000/apply/1`}, 2, 800)`;
  await db.sql`update promotion_items set state = 'given-back'`;
  await db.sql`update promotions set state = 'reverting'`;
  expect(await move(id)).toBe('ended');
  expect(await db.sql`select step from confirmed_steps`).toEqual([{ step: `${other}/p0000/apply/1` }]);
});
