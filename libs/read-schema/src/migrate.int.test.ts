import type { Sql } from '@catalogue/postgres';
import { createDatabase, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { firstOfThisRelease, migrateBefore } from '../test/migrate-before.ts';
import { fill, findFaults } from '../test/release-in-use.ts';
import { migrateReadModel } from './index.ts';

/** Begins a rebuild as the release in use does: it knows no table of names. */
async function startRebuildBefore(sql: Sql, generation: number): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`insert into generations (generation, state) values (${generation}, 'filling')`;
    for (const table of ['products', 'changes']) {
      await tx.unsafe(`create table ${table}_g${generation} (like ${table} including all)`);
      await tx.unsafe(`alter table ${table} attach partition ${table}_g${generation} for values in (${generation})`);
    }
  });
}

/** Drops a generation as the release in use does. */
async function dropGenerationBefore(sql: Sql, generation: number): Promise<void> {
  await sql.begin(async (tx) => {
    await tx`update generations set state = 'dropped' where generation = ${generation}`;
    await tx.unsafe(`drop table products_g${generation}, changes_g${generation}`);
  });
}

/** Makes generation 2, empty. */
async function addGeneration(sql: Sql): Promise<void> {
  await sql`create table products_g2 partition of products for values in (2)`;
  await sql`insert into generations values (2, 'filling')`;
}

test('a repeated or concurrent migration changes nothing', async () => {
  await using db = await createDatabase(inject('servers').readDb);
  await Promise.all([migrateReadModel(db.dsn), migrateReadModel(db.dsn), migrateReadModel(db.dsn)]);
  await migrateReadModel(db.dsn);
  expect(await db.sql`select generation, state from generations`).toEqual([{ generation: 1, state: 'serving' }]);
});

test('readers see only complete, listed products of the serving generation', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await addGeneration(db.sql);
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

test('products from before the table of names are found by this release and the release before', async () => {
  await using db = await createDatabase(inject('servers').readDb, (dsn) => migrateBefore(dsn, '_product_names'));
  await addGeneration(db.sql);
  await db.sql`insert into products (generation, id, name, price, created_at, updated_at, discontinued) values
    (1, 'a', 'ΟΔΟΣ C++', 1, now(), now(), false),
    (1, 'b', 'Mouse', 1, now(), now(), true),
    (1, 'c', 'Mouse', 1, null, now(), false),
    (2, 'a', 'Mouse', 1, now(), now(), false)`;
  await migrateReadModel(db.dsn);
  expect(await db.sql`select generation, id, folded, grams from product_names order by generation`).toEqual([
    { generation: 1, id: 'a', folded: ' οδοσ c ', grams: ['c+', '++', '+', '+'] },
    { generation: 2, id: 'a', folded: ' mouse ', grams: null },
  ]);
  expect(await db.sql`select id from products_read where folded like ${'% οδοσ %'}`).toEqual([{ id: 'a' }]);
});

test('a generation that the release before drops leaves no names', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await startRebuildBefore(db.sql, 2);
  await db.sql`insert into products (generation, id, name, price, created_at) values (2, 'a', 'Mouse', 1, now())`;
  expect(await db.sql`select folded from product_names_g2`).toEqual([{ folded: ' mouse ' }]);
  await dropGenerationBefore(db.sql, 2);
  expect(
    await db.sql`select inhrelid::regclass::text as left from pg_inherits
    where inhparent = 'product_names'::regclass`,
  ).toEqual([{ left: 'product_names_g1' }]);
});

test.each(['_product_names', 'names_kept', 'names_copied', 'names_indexed', 'names_shown', 'prices_in_primary_key'])(
  'a generation that the release before begins, and one that it drops, before %s are migrated as the first is',
  async (migration) => {
    await using db = await createDatabase(
      inject('servers').readDb,
      async (dsn) => await migrateBefore(dsn, firstOfThisRelease),
    );
    await fill(db.sql, 100);
    await startRebuildBefore(db.sql, 2);
    await migrateBefore(db.dsn, migration);
    await dropGenerationBefore(db.sql, 2);
    await startRebuildBefore(db.sql, 3);
    await db.sql`
      insert into products (generation, id, name, price, created_at)
      select 3, id, name, price, created_at from products where generation = 1`;
    await migrateReadModel(db.dsn);
    expect(await findFaults(db.sql)).toEqual([]);
    expect(await db.sql`select to_regclass('product_names_g2') as left`).toEqual([{ left: null }]);
  },
);

test('a generation that is begun while prices enter the primary key is migrated as the first is', async () => {
  await using db = await createDatabase(inject('servers').readDb, (dsn) => migrateBefore(dsn, 'prices_in_primary_key'));
  const { sql } = db;
  await sql`insert into products (generation, id, name, price, created_at) values (1, 'a', 'Mouse', 1, now())`;
  // Keeps the migration from the step after the builds.
  const held = await sql.reserve();
  await held`begin`;
  await held`lock table generations in row exclusive mode`;
  const migration = migrateReadModel(db.dsn);
  await waitFor('the first index to be built', async () => {
    const [row] =
      await sql`select from pg_index where indexrelid = to_regclass('products_g1_with_price') and indisvalid`;
    return row !== undefined;
  });
  await startRebuildBefore(sql, 2);
  await sql`insert into products (generation, id, name, price, created_at) values (2, 'a', 'Mouse', 1, now())`;
  await held`rollback`;
  held.release();
  await migration;
  await sql`insert into words values ('mouse')`;
  expect(await findFaults(sql)).toEqual([]);
});

test('the primary key holds what a search in a range of prices reads of a product', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await startRebuildBefore(db.sql, 2);
  for (const generation of [1, 2]) {
    await db.sql`
      insert into products (generation, id, name, price, created_at)
      select ${generation}::int, n, 'Mouse', n, now() from generate_series(1, 1000) n`;
    await db.sql`analyze products`;
    await db.sql`select show_generation(${generation}::int)`;
    const plan = await db.sql`explain (costs off) select price from products_read where id = 'a' limit 1`;
    expect(plan.map((row) => row['QUERY PLAN'] as string).join('\n')).toContain(
      `Index Only Scan using products_g${generation}_pkey`,
    );
  }
});

test('a name is written when it changes or its product appears or disappears, and not when a price changes', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await addGeneration(db.sql);
  const written = async () =>
    await db.sql`select generation, id, folded, xmin::text from product_names order by id, generation`;
  await db.sql`insert into products (generation, id) values (2, 'a')`;
  expect(await written()).toEqual([]);
  await db.sql`update products set name = 'Mouse', price = 1, created_at = now()`;
  const created = await written();
  expect(created).toMatchObject([{ generation: 2, id: 'a', folded: ' mouse ' }]);
  await db.sql`update products set name = 'Mouse', price = 2, version = 2`;
  expect(await written()).toEqual(created);
  await db.sql`update products_g2 set name = 'Lamp'`;
  expect(await written()).toMatchObject([{ id: 'a', folded: ' lamp ' }]);
  await db.sql`update products set discontinued = true`;
  expect(await written()).toEqual([]);
  for (const generation of [1, 2]) {
    await db.sql`insert into products (generation, id, name, price, created_at, discontinued) values
      (${generation}, 'b', 'Desk', 1, now(), false), (${generation}, 'c', 'Desk', 1, null, false),
      (${generation}, 'd', 'Desk', 1, now(), true)`;
  }
  expect(await written()).toMatchObject([
    { generation: 1, id: 'b' },
    { generation: 2, id: 'b' },
  ]);
});

test.each(['-', '漢', 'e\u0301\u0323', 'ﷺ'])(
  'a name of very many "%s" costs no more than its beginning',
  async (sign) => {
    await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
    await db.sql`insert into products (generation, id, name, price, created_at)
    values (1, 'a', repeat(${sign}, 120000 / octet_length(${sign})), 1, now())`;
    const [row] =
      await db.sql`select octet_length(folded) + coalesce(cardinality(grams), 0) as size from product_names`;
    expect(row?.['size']).toBeLessThan(200_000);
  },
);

test('a name is in the indexes with names unless it is too long, also one from before them', async () => {
  await using db = await createDatabase(inject('servers').readDb, (dsn) => migrateBefore(dsn, 'names_covered'));
  // No two of these signs are equal, so they cannot be compressed. The ligatures grow when they are folded.
  await db.sql`
    create function signs(many integer) returns text language sql
      return (select string_agg(chr(19968 + n * 23), '') from generate_series(1, many) n)`;
  await db.sql`
    create function ligatures() returns text language sql
      return (select string_agg(chr(64606 + n * 173 % 431), '') from generate_series(1, 800) n)`;
  const add = (when: string) => db.sql`
    insert into products (generation, id, name, price, created_at)
    select 1, id || ${when}, name, 1, now() from (values
      ('long name', ligatures()), ('long grams', signs(400)), ('long id ' || signs(800), signs(20)),
      ('short', signs(50)), ('plain', 'Mouse')
    ) added (id, name)`;
  await add(' before');
  await migrateReadModel(db.dsn);
  await add(' now');
  const uncovered = async () =>
    (await db.sql<{ id: string }[]>`select id from product_names where not covered order by id`).map(({ id }) =>
      id.replaceAll(/[^a-z ]/g, ''),
    );
  const long = ['grams', 'id', 'name'].flatMap((what) => [`long ${what} before`, `long ${what} now`]);
  expect((await uncovered()).map((id) => id.replace('  ', ' '))).toEqual(long);
  await db.sql`update products set name = case when id like 'long%' then 'Lamp' else signs(800) end`;
  const changed = ['plain before', 'plain now', 'short before', 'short now'];
  expect((await uncovered()).map((id) => id.replace('  ', ' '))).toEqual(changed);
});

test('names sort by ICU, and a page of them is read from the index', async () => {
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
    /Index Scan using products_g1_by_name.*\n.*Index Cond: \(ROW/,
  );
});

test('only one generation serves', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await expect(db.sql`insert into generations values (2, 'serving')`).rejects.toMatchObject({ code: '23505' });
});

test('readers see the serving generation, with plans for its partition only', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await addGeneration(db.sql);
  await db.sql`insert into products (generation, id, name, price, created_at, updated_at)
    select generation, 'mouse', 'Mouse ' || generation, 1, now(), now() from generate_series(1, 2) generation`;
  expect(await db.sql`select name from products_read`).toEqual([{ name: 'Mouse 1' }]);
  await db.sql`select show_generation(2)`;
  expect(await db.sql`select name from products_read`).toEqual([{ name: 'Mouse 2' }]);
  const plan = await db.sql`explain (costs off) select * from products_read where id = 'mouse'`;
  expect(plan.map((row) => row['QUERY PLAN']).join('\n')).not.toMatch(/products_g1/);
});

test('only one generation is filled at a time', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await db.sql`insert into generations values (2, 'filling')`;
  await expect(db.sql`insert into generations values (3, 'filling')`).rejects.toMatchObject({ code: '23505' });
});

test('a migration whose session has ended fails at once, since others may migrate by now', async () => {
  await using db = await createDatabase(inject('servers').readDb, (dsn) => migrateBefore(dsn, '_folded_unfilled'));
  const reading = await db.sql.reserve();
  await reading`begin`;
  await reading`select from products`;
  const outcome = migrateReadModel(db.dsn).catch((error: unknown) => error);
  // Between two tries to get its locks, so that no statement fails.
  await waitFor('the end of the session that migrates', async () => {
    const [row] = await db.sql`
      select pg_terminate_backend(pid, 5000) from pg_stat_activity
      where application_name = 'migrate' and datname = current_database() and state = 'idle' and query = 'rollback'`;
    return row;
  });
  expect(await outcome).toEqual(new Error('The session that holds the lock of migrations ended: run migrate again'));
  await reading`rollback`;
  reading.release();
});
