import { connect, type Sql } from '@catalogue/postgres';

/** The channel of the hints about these tables. */
export const channel = 'prices_appended';

/** Makes the tables that the library reads, in the smallest form, and `prices`, a table of products. */
export async function createPriceTables(dsn: string): Promise<void> {
  const sql = connect(dsn, { name: 'test', max: 1 });
  await sql.unsafe(`
    create table generations (generation int primary key, state text not null);
    create table change_counters (generation int primary key, last bigint not null default 0,
      mark bigint default (random() * 9007199254740990)::bigint + 1);
    create table changes (generation int, seq bigint, product_id text not null, version int not null,
      at timestamptz not null default now(), mark bigint default (random() * 9007199254740990)::bigint + 1,
      primary key (generation, seq));
    create table parked_events (generation int not null, product_id text not null, draining boolean not null default false);
    create table prices (generation int, id text, version int not null, parked boolean not null default false,
      cents int not null default 100, primary key (generation, id));
    insert into generations values (1, 'serving');
    insert into change_counters (generation) values (1)`);
  await sql.end();
}

/** Adds one change of each product, with its new version, in one transaction. */
export async function project(sql: Sql, ids: readonly string[], { version = 1, parked = false } = {}): Promise<void> {
  await sql.begin(async (tx) => {
    for (const id of ids)
      await tx`
        insert into prices (generation, id, version, parked) values (1, ${id}, ${version}, ${parked})
        on conflict (generation, id) do update set version = excluded.version, parked = excluded.parked`;
    await tx`
      with counter as (
        update change_counters set last = last + ${ids.length} where generation = 1 returning last
      )
      insert into changes (generation, seq, product_id, version)
      select 1, last - ${ids.length} + place, id, ${version}
      from counter, unnest(${[...ids]}::text[]) with ordinality product (id, place)`;
  });
}
