import { createDatabase, startProcess, type TestDatabase, waitFor } from '@catalogue/testing';
import type { Sql } from '@catalogue/postgres';
import { expect, inject, test } from 'vitest';
import { migrateReadModel } from './index.ts';
import { firstOfThisRelease, migrateBefore } from '../test/migrate-before.ts';
import { fill, findFaults, ReleaseInUse } from '../test/release-in-use.ts';

async function openFilled(products: number): Promise<TestDatabase> {
  const db = await createDatabase(inject('servers').readDb, (dsn) => migrateBefore(dsn, firstOfThisRelease));
  await fill(db.sql, products);
  return db;
}

test('no statement of the release in use fails, or waits a second for a lock, while 200 000 products are migrated', async () => {
  await using db = await openFilled(200_000);
  await using before = new ReleaseInUse(db.dsn);
  before.start();
  await waitFor('the release in use to work', () => before.reads > 3 && before.writes > 3);
  await migrateReadModel(db.dsn);
  const { reads, writes } = before;
  const goesOn = () => before.reads > reads + 3 && before.writes > writes + 3;
  await waitFor('it to go on on the new schema', () => before.hasFailed || goesOn());
  await before.stop();
  expect(await findFaults(db.sql)).toEqual([]);
}, 600_000);

/** Tables, columns, indexes, triggers, functions and views. */
async function readSchema(sql: Sql): Promise<unknown> {
  return await sql`
    select 'column' as kind, table_name || '.' || column_name || ' ' || data_type || ' ' || is_generated as what
    from information_schema.columns where table_schema = 'public'
    union all select 'index', indexdef from pg_indexes where schemaname = 'public'
    union all select 'trigger', pg_get_triggerdef(oid) from pg_trigger
    union all select 'function', pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace and prokind = 'f'
      and not exists (select from pg_depend where objid = pg_proc.oid and deptype = 'e')
    union all select 'view', viewname || definition from pg_views where schemaname = 'public'
    order by kind, what`;
}

/** Runs the migrations in a process that is killed, with its session, when `when` says so. */
async function killMigration({ dsn, sql }: TestDatabase, when: () => Promise<boolean>): Promise<void> {
  await using migration = startProcess(new URL('../test/migrate.ts', import.meta.url), [dsn], {});
  await waitFor('the moment to kill the migrations', when, { every: 2 });
  migration.kill('SIGKILL');
  expect(await migration.exited).toBe('SIGKILL');
  await sql`
    select pg_terminate_backend(pid, 5000) from pg_stat_activity
    where application_name = 'migrate' and datname = current_database()`;
}

test('migrations that were killed in a copy, while an index was built, or at any other moment, are run again', async () => {
  await using whole = await createDatabase(inject('servers').readDb, migrateReadModel);
  await using db = await openFilled(20_000);
  const { sql } = db;
  // Indexes that are built concurrently wait for transactions that write the table: so there is time to kill.
  const whileBuilding = async (table: string) => {
    const held = await sql.reserve();
    await held`begin`;
    await held.unsafe(`lock table ${table} in row exclusive mode`);
    await killMigration(db, async () => {
      const [row] = await sql`select from pg_index where not indisvalid and indrelid = ${table}::regclass`;
      return row !== undefined;
    });
    await held`rollback`;
    held.release();
  };
  await migrateBefore(db.dsn, 'parked_draining_index');
  await whileBuilding('parked_events');
  const hasNames = async () => {
    const [table] = await sql`select to_regclass('product_names_g1') is not null as known`;
    if (table?.['known'] !== true) return false;
    const [row] = await sql`select count(*)::int as names from product_names`;
    return Number(row?.['names']) > 1000;
  };
  await migrateBefore(db.dsn, 'names_copied');
  const writer = await sql.reserve();
  await writer`begin`;
  // Names are copied in the order of ids: the copy comes no further.
  const middle = sql`select id from products where generation = 1 order by id offset 10000 limit 1`;
  await writer`select from products where generation = 1 and id = (${middle}) for update`;
  await killMigration(db, hasNames);
  await writer`rollback`;
  writer.release();
  const [copied] = await sql`select count(*)::int as names from product_names`;
  expect(copied?.['names']).toBeLessThan(18_000);
  await whileBuilding('product_names_g1');
  await whileBuilding('products_g1');
  for (const recorded of [13, 15, 17]) {
    // The next one gets no further than to its record.
    await sql.unsafe(`
      create or replace function drizzle.hold() returns trigger language plpgsql as $$ begin
        if (select count(*) from drizzle.__drizzle_migrations) >= ${recorded} then perform pg_sleep(600); end if;
        return new;
      end $$;
      create trigger hold before insert on drizzle.__drizzle_migrations for each row execute function drizzle.hold()`);
    await killMigration(db, async () => {
      const [row] = await sql`
        select from pg_stat_activity
        where application_name = 'migrate' and datname = current_database() and wait_event = 'PgSleep'`;
      return row !== undefined;
    });
    await sql`drop trigger hold on drizzle.__drizzle_migrations`;
  }
  await migrateReadModel(db.dsn);
  expect(await findFaults(sql)).toEqual([]);
  expect(await readSchema(sql)).toEqual(await readSchema(whole.sql));
}, 300_000);
