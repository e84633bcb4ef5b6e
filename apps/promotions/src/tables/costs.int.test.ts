import { createHash } from 'node:crypto';
import type { Sql } from '@catalogue/postgres';
import { type Cost, costOf, createDatabase, plannedPostgresVersions, startOwnPostgres } from '@catalogue/testing';
import { expect, test } from 'vitest';
import type { ItemState } from '../machine/item.ts';
import { announce } from './announce.ts';
import { readProgress, readTouched } from './changed.ts';
import { findClashes, hasLongerClaims, storeEnd } from './change-end.ts';
import { claimNext, hasOlderClaimer } from './claims.ts';
import { confirmSteps, forgetSteps } from './confirmed-steps.ts';
import { hold, nextDueIn, takeDue } from './due.ts';
import { readApplied, readKnown, readWaiting, storeApplied, storeGivenBack } from './items.ts';
import { listItems, listPromotions, listStanding, readLog } from './lists.ts';
import { migratePromotions } from './migrate.ts';
import { readPromotion } from './promotion-row.ts';
import { findCheaper, findRepeated, findUnknown, schedule } from './schedule.ts';
import { markSent, readUnanswered, settleSteps, storeAnswers } from './steps.ts';

/** A UUID made of a text. */
const uuid = (text: string) =>
  createHash('md5')
    .update(text)
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
const large = uuid('large');
const claiming = uuid('claiming');
const product = (index: number) => `p${String(index).padStart(6, '0')}`;
/** Items that a round of the driver stores at once. */
const some = Array.from({ length: 256 }, (_, index) => product(index + 1));

/** A catalogue of 60 000 products, and 2 000 promotions that are over, without their items. */
async function growEarlier(sql: Sql): Promise<void> {
  await sql`
    insert into product_prices (generation, id, version, cents, price_version)
    select 1, 'p' || lpad(n::text, 6, '0'), 1, 1000, 1 from generate_series(1, 60000) n`;
  await insertPromotions(sql, 3, 2_002);
  await sql`
    insert into promotion_log (promotion, to_state, cause)
    select md5('over ' || n)::uuid, 'ended', 'Its end has come' from generate_series(3, 2002) n, generate_series(1, 6)`;
  await sql`
    insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
    select md5('over ' || n)::uuid, 1, gen_random_uuid(), 'PromotionScheduled', 1, '{}', '{}', now() from generate_series(3, 20000) n`;
}

/** Items of promotions that are over, 10 each. One promotion works on 30 000 products, and one claims 30 000 others. */
async function grow(sql: Sql): Promise<void> {
  await sql`
    insert into promotion_items (promotion, product, state)
    select md5('over ' || n)::uuid, 'p' || lpad(m::text, 6, '0'), 'given-back' from generate_series(3, 2002) n, generate_series(1, 10) m`;
  await insertPromotions(sql, 1, 2);
  await sql`
    insert into promotion_items (promotion, product, state, before_cents, promoted_cents, step, step_version, applied_version,
      answered_at, unsent)
    select ${large}, 'p' || lpad(n::text, 6, '0'), case when n <= 2000 then 'applying' when n <= 15000 then 'applied' else 'waiting' end,
      1000, 800, case when n <= 2000 then ${large} || '/p' || lpad(n::text, 6, '0') || '/apply/1' end, case when n <= 2000 then 1 end,
      case when n between 2001 and 15000 then 1 end, case when n between 101 and 2000 then now() end, n <= 100
    from generate_series(1, 30000) n`;
  await sql`
    insert into promotion_items (promotion, product, state)
    select ${claiming}, 'p' || lpad(n::text, 6, '0'), 'waiting' from generate_series(30001, 60000) n`;
  await sql`
    insert into claims (promotion, product, during)
    select id, 'p' || lpad(n::text, 6, '0'), tstzrange(starts_at, ends_before)
    from promotions, generate_series(1, 30000) n where id = ${large}`;
  await sql`
    insert into confirmed_steps (step, version, cents)
    select ${uuid('other')} || '/p' || n || '/apply/1', 2, 800 from generate_series(1, 30000) n`;
}

/** Those of 1 to 2 002: the large one, the one that claims, and those that are over. */
async function insertPromotions(sql: Sql, first: number, last: number): Promise<void> {
  await sql`
    insert into promotions (id, name, rule, amount, starts_at, ends_before, on_refusal, state, due_at, fingerprint, key,
      is_claimed, created_at, updated_at)
    select case n when 1 then ${large}::uuid when 2 then ${claiming}::uuid else md5('over ' || n)::uuid end, 'Sale', 'percent', 2000,
      now(), now() + interval '1 day', 'skip', case n when 1 then 'applying' when 2 then 'claiming' else 'ended' end,
      case when n <= 2 then now() end, '', 'key ' || n, n <> 2, now() - n * interval '1 minute', now() - n * interval '1 minute'
    from generate_series(${first}::integer, ${last}::integer) n`;
}

/** Gathers the statistics of a moment when all items were in one state. */
async function analyzeEarlier(sql: Sql, state: string): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`create temporary table later on commit drop as table promotion_items`;
    await tx`update promotion_items set state = ${state}, before_cents = 1000, promoted_cents = 800`;
    await tx`analyze`;
    await tx`truncate promotion_items`;
    await tx`insert into promotion_items table later`;
  });
}

/** Gathers the statistics of a moment when only two promotions had items: PostgreSQL expects one item of any other. */
async function analyzeOthers(sql: Sql): Promise<void> {
  await sql`
    insert into promotion_items (promotion, product, state, before_cents, promoted_cents)
    select md5('over ' || n)::uuid, 'p' || lpad(m::text, 6, '0'), 'applied', 1000, 800
    from generate_series(3, 4) n, generate_series(1, 3000) m`;
  await sql`
    insert into claims (promotion, product, during)
    select promotion, product, tstzrange(now() - n * interval '1 day', now() - n * interval '1 day' + interval '1 hour')
    from promotion_items, lateral (select case promotion when md5('over 3')::uuid then 10 else 20 end as n) days`;
  await sql`analyze`;
  await sql`truncate promotion_items, claims`;
}

/** Pages of 8 kB; what was measured in brackets. */
const maxBuffers: Record<string, number> = {
  /** One look into the index for each state (36). */
  readPromotion: 60,
  /** 2 000 steps under way, as many as there can be; they read 12 107. */
  settleSteps: 18_000,
  /** 512 of 2 000 steps, of which 100 have no answer (85). */
  readUnanswered: 130,
  /** 256 items, each with its product, claim or indexes (1 545, 781, 3 131, 4 142); 64 (664); 256 (2 895, 3 521). */
  readWaiting: 2_300,
  readApplied: 1_200,
  storeApplied: 4_700,
  storeGivenBack: 6_200,
  markSent: 1_100,
  storeAnswers: 4_200,
  confirmSteps: 5_300,
  forgetSteps: 30,
  takeDue: 80,
  nextDueIn: 20,
  hold: 50,
  /** 1 000 claims, each compared with those of its product (21 770). */
  claimNext: 33_000,
  hasOlderClaimer: 30,
  /** All 30 000 claims, each compared with those of its product, by the index by product (761 to 62 000). */
  findClashes: 93_000,
  /** All 30 000 claims (436, 554). */
  hasLongerClaims: 900,
  storeEnd: 900,
  announce: 60,
  /** 256 products, with their claims and the event (8 640). */
  schedule: 13_000,
  findRepeated: 40,
  /** 256 products (963). */
  findUnknown: 1_400,
  findCheaper: 1_400,
  readKnown: 1_400,
  readTouched: 30,
  readProgress: 40,
  listPromotions: 40,
  listStanding: 40,
  listItems: 30,
  readLog: 30,
};

/** Entries of indexes: without the other items of the promotion (4 003, 2 001, 768, 512, 259, 515, 65, 514, 2 002). */
const maxRows: Record<string, number> = {
  settleSteps: 6_000,
  readUnanswered: 3_000,
  readWaiting: 1_200,
  readApplied: 800,
  storeApplied: 400,
  storeGivenBack: 800,
  markSent: 100,
  storeAnswers: 800,
  confirmSteps: 3_000,
};

const day = 86_400_000;
const period = { startsAt: new Date(Date.now() + day), endsBefore: new Date(Date.now() + 2 * day) };
const later = new Date(Date.now() + 3 * day);
const sooner = new Date(Date.now() + day / 2);
const rule = { kind: 'percent', amount: 2_000 } as const;

/** Each statement of the driver and the routes whose cost could grow with the number of products or promotions. */
const works: Record<string, (sql: Sql) => Promise<unknown>> = {
  readPromotion: (sql) => readPromotion(sql, large, { isExact: false }),
  settleSteps: (sql) => settleSteps(sql, large),
  readUnanswered: (sql) => readUnanswered(sql, large, 512),
  readWaiting: (sql) => readWaiting(sql, large, 256),
  readApplied: (sql) => readApplied(sql, large, 256),
  storeApplied: (sql) =>
    storeApplied(
      sql,
      large,
      some.map((_, index) => ({
        product: product(20_000 + index),
        state: 'applying',
        beforeCents: 1_000,
        beforeVersion: 1,
        promotedCents: 800,
        step: `${large}/x/apply/${index}`,
        stepVersion: 1,
      })),
    ),
  storeGivenBack: (sql) =>
    storeGivenBack(
      sql,
      large,
      some.map((_, index) => ({ product: product(3_000 + index), state: 'given-back' })),
    ),
  markSent: (sql) =>
    markSent(
      sql,
      large,
      some.slice(0, 64).map((each) => ({
        product: each,
        step: `${large}/${each}/apply/1`,
        stepVersion: 1,
        cents: 800,
        state: 'applying',
        unsent: true,
        prevents: false,
      })),
    ),
  storeAnswers: (sql) =>
    storeAnswers(
      sql,
      large,
      some.map((each) => ({
        product: each,
        step: `${large}/${each}/apply/1`,
        outcome: 'answered',
        reason: null,
      })),
    ),
  confirmSteps: (sql) =>
    confirmSteps(
      sql as never,
      some.map((each) => ({ causedBy: `${large}/${each}/apply/1`, version: 2, cents: 800 })),
    ),
  forgetSteps: (sql) => forgetSteps(sql as never, large),
  takeDue: (sql) => takeDue(sql, 8),
  nextDueIn: (sql) => nextDueIn(sql),
  hold: (sql) => hold(sql, large, 0),
  claimNext: (sql) => claimNext(sql as never, claiming),
  hasOlderClaimer: (sql) => hasOlderClaimer(sql, claiming),
  findClashes: (sql) => findClashes(sql, large, later),
  hasLongerClaims: (sql) => hasLongerClaims(sql, large),
  storeEnd: (sql) => storeEnd({ begin: (work: (tx: Sql) => unknown) => work(sql) } as never, large, sooner, {}),
  announce: (sql) => announce(sql as never, uuid('over 3'), 'ended'),
  schedule: (sql) =>
    schedule({ begin: (work: (tx: Sql) => unknown) => work(sql) } as never, {
      id: uuid('new'),
      key: 'new',
      origin: {},
      fingerprint: '',
      name: 'New',
      rule,
      query: null,
      onRefusal: 'skip',
      ...period,
      products: some.map((_, index) => product(50_000 + index)),
    }),
  findRepeated: (sql) => findRepeated(sql, { id: uuid('none'), key: 'key 7', origin: {}, fingerprint: '' }),
  findUnknown: (sql) => findUnknown(sql, some),
  findCheaper: (sql) => findCheaper(sql, some, 2_000),
  readKnown: (sql) => readKnown(sql, some),
  readTouched: (sql) => readTouched(sql, Date.now() + day, 200),
  readProgress: (sql) => readProgress(sql, [uuid('over 3')]),
  listPromotions: (sql) => listPromotions(sql, { limit: 100, after: undefined }),
  listStanding: (sql) => listStanding(sql, 200),
  listItems: (sql) => listItems(sql, large, { limit: 100, after: product(12_000), state: 'applied' }),
  readLog: (sql) => readLog(sql, uuid('over 3')),
};

const statistics = {
  'no statistics': undefined,
  'statistics from when all items waited': 'waiting',
  'statistics of two other promotions': 'others',
} as const;
const databases = plannedPostgresVersions().flatMap((version) =>
  Object.entries(statistics).map(([known, state]) => ({ version, known, state })),
);

test.each(databases)(
  'on PostgreSQL $version, with $known, statements read a bounded number of pages, however many products and promotions there are',
  async ({ version, state }) => {
    // A plan must not depend on statistics.
    await using server = await startOwnPostgres({ autovacuum: 'off' }, version);
    await using db = await createDatabase(server.dsn('postgres'), migratePromotions);
    await growEarlier(db.sql);
    if (state === 'others') await analyzeOthers(db.sql);
    await grow(db.sql);
    if (state === 'waiting') await analyzeEarlier(db.sql, state);
    const costs: Record<string, Cost> = {};
    for (const [name, work] of Object.entries(works)) {
      costs[name] = await costOf(db.sql, async (tx) => await work(tx as unknown as Sql));
    }
    const faults = Object.entries(costs).flatMap(([name, { buffers, rows, scanned }]) => [
      ...(rows > (maxRows[name] ?? Infinity) ? [`${name} reads ${rows} rows`] : []),
      ...scanned.map((table) => `${name} reads all of ${table}`),
      ...(buffers > (maxBuffers[name] ?? 0) ? [`${name} reads ${buffers} buffers`] : []),
    ]);
    expect(faults).toEqual([]);
  },
  300_000,
);

/** Statements that look for items in one state. */
const searches: Partial<Record<ItemState, Record<string, (sql: Sql) => Promise<unknown>>>> = {
  waiting: {
    readWaiting: (sql) => readWaiting(sql, large, 256),
    listItems: (sql) => listItems(sql, large, { limit: 100, after: '', state: 'waiting' }),
  },
  applying: { readUnanswered: (sql) => readUnanswered(sql, large, 512) },
  applied: {
    readApplied: (sql) => readApplied(sql, large, 256),
    listItems: (sql) => listItems(sql, large, { limit: 100, after: '', state: 'applied' }),
  },
};

test.each(plannedPostgresVersions())(
  'on PostgreSQL %s, the last items in a state are found without the others, also with statistics from when all were in it',
  async (version) => {
    await using server = await startOwnPostgres({ autovacuum: 'off' }, version);
    await using db = await createDatabase(server.dsn('postgres'), migratePromotions);
    await growEarlier(db.sql);
    await grow(db.sql);
    const costs: Record<string, number> = {};
    for (const [state, statements] of Object.entries(searches)) {
      await db.sql`
        update promotion_items set answered_at = null, state = case when product <= ${product(29_990)} then 'given-back' else ${state} end
        where promotion = ${large}`;
      await analyzeEarlier(db.sql, state);
      for (const [name, search] of Object.entries(statements)) {
        const { buffers } = await costOf(db.sql, async (tx) => await search(tx as unknown as Sql));
        costs[`${state}: ${name}`] = buffers;
      }
    }
    // Pages of 8 kB: 10 items (5 to 76). All 30 000 are 1 900 to 4 500.
    expect(Object.entries(costs).filter(([, buffers]) => buffers > 100)).toEqual([]);
  },
  300_000,
);
