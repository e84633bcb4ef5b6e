import { jsonCodec } from '@catalogue/contracts';
import { migrate } from '@catalogue/postgres';
import { applyBatch, type OffsetScope, read, readOffset, readOffsets } from '@catalogue/projection/testing';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { priceModel } from './model.ts';
import { migratePromotions } from './tables/migrate.ts';

const scope: OffsetScope = { generation: 1, topic: 'events', topicId: 'a' };

/** Applies events of one product, from version 1 on: `[changes, correlation id]`. */
async function apply(db: TestDatabase, product: string, ...events: [object | null, string?][]): Promise<void> {
  await readOffsets(db.sql, scope, 1);
  const expected = (await readOffset(db.sql, scope, 0)) ?? 0;
  const messages = events.map(([change, correlationId], index) => ({
    topic: scope.topic,
    partition: 0,
    offset: expected + index,
    key: Buffer.from(product),
    headers: [],
    value: Buffer.from(
      JSON.stringify({
        id: `${product} ${index + 1}`,
        type: change === null ? 'ProductDiscontinued' : index === 0 ? 'ProductCreated' : 'ProductUpdated',
        schemaVersion: 1,
        productVersion: index + 1,
        payload: { id: product, ...change },
        timestamp: `2026-11-27T10:00:0${index}.000Z`,
        ...(correlationId === undefined ? {} : { correlationId }),
      }),
    ),
  }));
  await applyBatch(db.sql, priceModel, scope, [{ partition: 0, expected, messages: read(messages, jsonCodec) }]);
}

const promotion = '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29';

/** Stores the promotion, without its products. */
async function store(db: TestDatabase, state: 'applying' | 'ended'): Promise<void> {
  await db.sql`
    insert into promotions (id, fingerprint, name, rule, amount, starts_at, ends_before, on_refusal, state, due_at)
    values (${promotion}, '', 'Sale', 'percent', 2000, now(), now() + interval '1 hour', 'skip', ${state}, now())`;
}

test('the price of a product comes with the version, time and cause that set it, and a rename changes none of them', async () => {
  await using db = await createDatabase(inject('servers').writeDb, migratePromotions);
  await apply(db, 'mouse', [{ name: 'Mouse', price: 39.9 }], [{ price: 34.5 }, 'order 17'], [{ name: 'Topo' }, 'x']);
  await apply(db, 'lamp', [{ name: 'Lamp', price: 999_999_999.99 }], [null]);
  expect(await db.sql`select * from product_prices_read order by id`).toMatchObject([
    { id: 'lamp', version: 2, cents: 99_999_999_999, price_version: 1, price_by: null, discontinued: true },
    {
      id: 'mouse',
      version: 3,
      cents: 3450,
      price_version: 2,
      price_at: '2026-11-27T10:00:01.000Z',
      price_by: 'order 17',
      discontinued: false,
    },
  ]);
});

test('a product has the name of its last event that has one, and folded what is searched of it', async () => {
  await using db = await createDatabase(inject('servers').writeDb, migratePromotions);
  await apply(
    db,
    'mouse',
    [{ name: 'Mouse', price: 39.9 }],
    [{ price: 34.5 }],
    [{ name: 'Tópo-Maus' }],
    [{ price: 5 }],
  );
  await apply(db, 'lamp', [{ name: 'Lamp', price: 1 }]);
  expect(await db.sql`select id, name, folded from product_prices_read order by id`).toEqual([
    { id: 'lamp', name: 'Lamp', folded: ' lamp ' },
    { id: 'mouse', name: 'Tópo-Maus', folded: ' topo maus ' },
  ]);
});

test('a name that the release before may have changed is not known, until the next event that has one', async () => {
  await using db = await createDatabase(inject('servers').writeDb, migratePromotions);
  await apply(db, 'mouse', [{ name: 'Mouse', price: 39.9 }]);
  // As that release applies a rename: it does not know the columns of names.
  await db.sql`update product_prices set version = 2, event_id = 'mouse 2'`;
  const nameOf = async () => (await db.sql`select name, folded from product_prices_read`)[0];
  expect(await nameOf()).toMatchObject({ name: null });
  await apply(db, 'mouse', [{}], [{}], [{ price: 5 }]);
  expect(await nameOf()).toMatchObject({ name: null, folded: null });
  await apply(db, 'mouse', [{}], [{}], [{}], [{ name: 'Maus' }]);
  expect(await nameOf()).toMatchObject({ name: 'Maus', folded: ' maus ' });
});

const readModel = new URL('../../../libs/read-schema/migrations', import.meta.url);

test('names are folded as the read model folds them', async () => {
  await using own = await createDatabase(inject('servers').writeDb, migratePromotions);
  await using other = await createDatabase(inject('servers').readDb, (dsn) => migrate(dsn, readModel));
  const functionsOf = async ({ sql }: TestDatabase) =>
    await sql`select proname, prosrc, provolatile from pg_proc where proname in ('spell_name', 'name_words', 'name_grams') order by proname`;
  const functions = await functionsOf(own);
  expect(functions).toHaveLength(3);
  expect(functions).toEqual(await functionsOf(other));
});

test('the event of a step confirms it, also when others follow in the same batch', async () => {
  await using db = await createDatabase(inject('servers').writeDb, migratePromotions);
  await store(db, 'applying');
  const step = `${promotion}/mouse/apply/1`;
  await apply(db, 'mouse', [{ name: 'Mouse', price: 10 }], [{ price: 8 }, step], [{ price: 9 }, 'another']);
  expect(await db.sql`select * from confirmed_steps`).toEqual([{ step, version: 2, cents: 800 }]);
});

test('a rebuild confirms no steps of promotions that are over', async () => {
  await using db = await createDatabase(inject('servers').writeDb, migratePromotions);
  await store(db, 'ended');
  await apply(db, 'mouse', [{ name: 'Mouse', price: 10 }], [{ price: 8 }, `${promotion}/mouse/apply/1`]);
  expect(await db.sql`select * from confirmed_steps`).toEqual([]);
});

test('request ids of others confirm nothing', async () => {
  await using db = await createDatabase(inject('servers').writeDb, migratePromotions);
  await store(db, 'applying');
  await apply(db, 'mouse', [{ name: 'Mouse', price: 10 }, 'apply/1'], [{ price: 8 }, `${promotion}/mouse/sell/1`]);
  expect(await db.sql`select * from confirmed_steps`).toEqual([]);
});
