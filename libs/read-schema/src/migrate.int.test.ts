import { createDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { migrateReadModel } from './index.ts';

test('migrating again, or by several processes at once, changes nothing more', async () => {
  await using db = await createDatabase(inject('servers').readDb);
  await Promise.all([migrateReadModel(db.dsn), migrateReadModel(db.dsn), migrateReadModel(db.dsn)]);
  await migrateReadModel(db.dsn);
  expect(await db.sql`select generation, state from generations`).toEqual([{ generation: 1, state: 'serving' }]);
});

test('readers see what is live and whole, of the serving generation only', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await db.sql`create table products_g2 partition of products for values in (2)`;
  await db.sql`insert into products (generation, id, name, price, created_at, updated_at, discontinued) values
    (1, 'live', 'Mouse', 39.90, now(), now(), false),
    (1, 'discontinued', 'Mouse', 39.90, now(), now(), true),
    (1, 'not yet created', 'Mouse', 39.90, null, now(), false),
    (1, 'without a name', null, 39.90, now(), now(), false),
    (2, 'of another generation', 'Mouse', 39.90, now(), now(), false)`;
  expect(await db.sql`select id, name, price from products_read order by name`).toEqual([
    { id: 'live', name: 'Mouse', price: '39.90' },
  ]);
});

test('names sort as people expect, and a page of them is read from the index', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await db.sql`insert into products (generation, id, name, price, created_at, updated_at)
    select 1, n::text, (array['zebra', 'Ökologie', 'apple', 'Äpfel', 'Zug'])[n % 5 + 1] || n, 1, now(), now()
    from generate_series(1, 5000) n`;
  await db.sql`analyze products`;
  const first = await db.sql`select name from products_read order by name, id limit 1`;
  expect(first[0]?.['name']).toMatch(/^Äpfel|^apple/);
  const plan = await db.sql`explain (costs off) select * from products_read
    where (name, id) > ('n', '') order by name, id limit 100`;
  expect(plan.map((row) => row['QUERY PLAN']).join('\n')).toMatch(
    /Index Scan using products_g1_name_id_idx.*\n.*Index Cond: \(ROW/,
  );
});

test('only one generation serves', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await expect(db.sql`insert into generations values (2, 'serving')`).rejects.toMatchObject({ code: '23505' });
});

test('readers see the generation they are shown, planned for its one partition', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await db.sql`create table products_g2 partition of products for values in (2)`;
  await db.sql`insert into products (generation, id, name, price, created_at, updated_at)
    select generation, 'mouse', 'Mouse ' || generation, 1, now(), now() from generate_series(1, 2) generation`;
  expect(await db.sql`select name from products_read`).toEqual([{ name: 'Mouse 1' }]);
  await db.sql`select show_generation(2)`;
  expect(await db.sql`select name from products_read`).toEqual([{ name: 'Mouse 2' }]);
  const plan = await db.sql`explain (costs off) select * from products_read where id = 'mouse'`;
  expect(plan.map((row) => row['QUERY PLAN']).join('\n')).not.toMatch(/products_g1/);
});

test('a generation is filled one at a time', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await db.sql`insert into generations values (2, 'filling')`;
  await expect(db.sql`insert into generations values (3, 'filling')`).rejects.toMatchObject({ code: '23505' });
});
