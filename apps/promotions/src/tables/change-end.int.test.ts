import { randomUUID } from 'node:crypto';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import { changeEnd } from './change-end.ts';
import { claimChunk } from './claims.ts';
import { migratePromotions } from './migrate.ts';

let db: TestDatabase;
beforeEach(async () => {
  db = await createDatabase(inject('servers').readDb, migratePromotions);
});
afterEach(async () => {
  await db[Symbol.asyncDispose]();
});

const count = 2 * claimChunk + 500;
const start = Math.ceil(Date.now() / 3_600_000) * 3_600_000;
/** An hour of the promotion; it runs from 0 to 10. */
const hour = (n: number) => new Date(start + n * 3_600_000);

/** A scheduled promotion; stores it without its products. */
async function store(from = hour(0), to = hour(10)): Promise<string> {
  const id = randomUUID();
  await db.sql`
    insert into promotions (id, fingerprint, name, rule, amount, starts_at, ends_before, on_refusal, state, due_at, is_claimed)
    values (${id}, '', 'Sale', 'percent', 2000, ${from}, ${to}, 'skip', 'scheduled', ${from}, true)`;
  return id;
}

/** A scheduled promotion with three chunks of products. */
async function scheduled(): Promise<string> {
  const id = await store();
  await db.sql`
    insert into claims (promotion, product, during)
    select ${id}, 'p' || lpad(n::text, 4, '0'), tstzrange(${hour(0)}, ${hour(10)}) from generate_series(1, ${count}) n`;
  return id;
}

/** How many claims of the promotion end when. */
async function ends(id: string) {
  const rows = await db.sql<{ at: Date; claims: number }[]>`
    select upper(during) as at, count(*)::integer as claims from claims where promotion = ${id} group by 1 order by 1`;
  return rows.map(({ at, claims }) => [(at.getTime() - start) / 3_600_000, claims]);
}

test('claims follow the end, later and earlier', async () => {
  const id = await scheduled();
  for (const end of [12, 8]) {
    expect(await changeEnd(db.sql, id, hour(end))).toMatchObject({ row: { endsBefore: hour(end) } });
    expect(await ends(id)).toEqual([[end, count]]);
  }
});

test('a promotion that claims one of the products meanwhile is named, and every claim is as before', async () => {
  const id = await scheduled();
  const other = await store(hour(11), hour(12));
  const claiming = Promise.withResolvers<void>();
  const claimed = Promise.withResolvers<void>();
  const claim = db.sql.begin(async (tx) => {
    await tx`insert into claims values (${other}, 'p2400', tstzrange(${hour(11)}, ${hour(12)}))`;
    claimed.resolve();
    await claiming.promise;
  });
  await claimed.promise;
  const changing = changeEnd(db.sql, id, hour(12));
  // The chunks before were changed.
  await expect
    .poll(async () => await ends(id))
    .toEqual([
      [10, 500],
      [12, 2 * claimChunk],
    ]);
  claiming.resolve();
  await claim;
  expect(await changing).toEqual({ clashes: [{ product: 'p2400', promotion: other }], count: 1 });
  expect(await ends(id)).toEqual([[10, count]]);
});

test('what a killed process left is mended by the same request', async () => {
  const id = await scheduled();
  await db.sql`update claims set during = tstzrange(lower(during), ${hour(12)}) where promotion = ${id} and product < 'p1000'`;
  await changeEnd(db.sql, id, hour(10));
  expect(await ends(id)).toEqual([[10, count]]);
});

test.each(['scheduled', 'needs-attention', 'reverting'])(
  'what a killed process left is also mended by a request that is refused, of a promotion that is %s',
  async (state) => {
    const id = await scheduled();
    // Killed after the end was stored: the version is another one.
    await db.sql`update promotions set ends_before = ${hour(8)}, version = 2`;
    if (state !== 'scheduled')
      await db.sql`
        update promotions set state = ${state}, interrupted = case ${state} when 'needs-attention' then 'applying' end`;
    const expected = (version: number) => version === 1;
    expect(await changeEnd(db.sql, id, hour(8), { expected })).toBe('version-mismatch');
    expect(await ends(id)).toEqual([[8, count]]);
  },
);

test('what a killed process left is also mended by a request for an end that clashes', async () => {
  const id = await scheduled();
  const other = await store(hour(11), hour(12));
  await db.sql`insert into claims values (${other}, 'p0001', tstzrange(${hour(11)}, ${hour(12)}))`;
  await db.sql`update promotions set ends_before = ${hour(8)} where id = ${id}`;
  expect(await changeEnd(db.sql, id, hour(12))).toMatchObject({ count: 1 });
  expect(await ends(id)).toEqual([[8, count]]);
});

test('a refused request to an unknown promotion, or to one whose claims are right, changes no claim', async () => {
  const id = await scheduled();
  const [before] = await db.sql`select max(xmin::text::bigint) as newest from claims`;
  expect(await changeEnd(db.sql, id, hour(8), { expected: () => false })).toBe('version-mismatch');
  expect(await changeEnd(db.sql, randomUUID(), hour(8))).toBe('not-found');
  expect(await db.sql`select max(xmin::text::bigint) as newest from claims`).toEqual([before]);
});

test('of requests at the same time, every one that is answered with its end had all products claimed until then', async () => {
  const id = await scheduled();
  for (let round = 0; round < 5; round++) {
    await Promise.all([14, 9, 13, 8].map((end) => changeEnd(db.sql, id, hour(end + round))));
    const [promotion] = await db.sql<{ ends: Date }[]>`select ends_before as ends from promotions where id = ${id}`;
    expect(await ends(id)).toEqual([[((promotion?.ends.getTime() ?? 0) - start) / 3_600_000, count]]);
  }
});

test('a claim that another request has cut is not missed', async () => {
  const id = await scheduled();
  // Cut as soon as it was made longer, as by a request that shortens the promotion.
  await db.sql`
    create function cut() returns trigger language plpgsql as $$
    begin
      if not exists (select from promotion_log) and new.product = 'p0001' then
        insert into promotion_log (promotion, to_state, cause) values (new.promotion, 'scheduled', 'Cut');
        new.during = old.during;
      end if;
      return new;
    end $$`;
  await db.sql`create trigger cut before update on claims for each row execute function cut()`;
  expect(await changeEnd(db.sql, id, hour(12))).toMatchObject({ row: { endsBefore: hour(12) } });
  expect(await ends(id)).toEqual([[12, count]]);
});
