import { connect, type Sql } from '@catalogue/postgres';
import type { System } from '../system.ts';

const rowCount = 100_000;

/** Fills each table that grows with products, commands or faults. The topic has none of this. */
export async function growTables({ services, writeDb, readDb, pricesDb }: System): Promise<void> {
  const write = connect(writeDb, { name: 'acceptance', max: 1 });
  const read = connect(readDb, { name: 'acceptance', max: 1 });
  const prices = connect(pricesDb, { name: 'acceptance', max: 1 });
  const relay = services['outbox-relay'];
  try {
    await relay.stop();
    await Promise.all([growEventStore(write), growReadModel(read), growPrices(prices)]);
    await relay.start();
  } finally {
    await Promise.all([write, read, prices].map((sql) => sql.end({ timeout: 1 })));
  }
}

/** Moves the relay's checkpoint past the added events. */
async function growEventStore(sql: Sql): Promise<void> {
  await sql`
    insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
    select stream, 1, gen_random_uuid(), 'ProductCreated', 1,
      jsonb_build_object('id', stream, 'price', n % 1000, 'name', 'Lamp ' || n), '{}', now()
    from (select gen_random_uuid() as stream, n from generate_series(1, ${rowCount}::int) n) new`;
  await sql`
    update cursors set (transaction_id, position) = (
      select transaction_id, position from events order by events.transaction_id desc, events.position desc limit 1
    ) where reader = 'outbox-relay'`;
  // Every 30th minute: some keys are older than a day and are removed.
  await sql`
    insert into idempotency_keys (subject, key, fingerprint, stream, version, created_at)
    select '', 'key ' || n, gen_random_uuid(), gen_random_uuid(), 1, now() - interval '1 minute' * (n / 30)
    from generate_series(1, ${rowCount}::int) n`;
  await sql`
    insert into snapshots (stream, version, event_id, schema_version, state)
    select gen_random_uuid(), 1, gen_random_uuid(), 1, '{}' from generate_series(1, ${rowCount}::int) n`;
}

async function growReadModel(sql: Sql): Promise<void> {
  await sql`
    insert into products (generation, id, name, price, version, created_at, updated_at, event_id)
    select 1, gen_random_uuid()::text, 'Lamp ' || ${lettersOf(sql)}, n % 1000, 1, now(), now(), 'event ' || n
    from generate_series(1, ${rowCount}::int) n`;
  await sql`
    insert into words (word) select ${lettersOf(sql)} from generate_series(1, ${rowCount}::int) n on conflict do nothing`;
  await sql`
    with counter as (update change_counters set last = last + ${rowCount} where generation = 1 returning last)
    insert into changes (generation, seq, product_id, version, kind, name, price, created_at, updated_at)
    select 1, last - ${rowCount} + n, 'product ' || n, 1, 'created', 'Lamp ' || n, 1, now(), now()
    from counter, generate_series(1, ${rowCount}::int) n`;
  await growProjection(sql);
}

/** The tables that each read model has. */
async function growProjection(sql: Sql): Promise<void> {
  await sql`
    insert into parked_events (generation, topic, partition, "offset", product_id, version, event_id, type, reason, detail, message)
    select 1, 'elsewhere', n % 6, n, 'product ' || n / 3, 2, 'event ' || n, 'ProductUpdated', 'gap', 'Version 1 is missing', '{}'
    from generate_series(1, ${rowCount}::int) n`;
  await sql`
    insert into discards (product_id, version, detail)
    select 'product ' || n, 1, 'Discarded by an operator' from generate_series(1, ${rowCount}::int) n`;
}

/** Products that were reduced once: two periods and a reduction each. */
async function growPrices(sql: Sql): Promise<void> {
  await sql`
    insert into priced_products (generation, id, version, event_id)
    select 1, 'product ' || n, 2, 'event 2' from generate_series(1, ${rowCount}::int) n`;
  await sql`
    insert into price_line (generation, product, valid_from, valid_to, cents, version, event_id)
    select 1, 'product ' || n, valid_from, valid_to, cents, version, 'event ' || version
    from generate_series(1, ${rowCount}::int) n, (values
      ('2026-01-01'::timestamptz, '2026-02-01'::timestamptz, 10000, 1), ('2026-02-01', null, 9000, 2)
    ) period (valid_from, valid_to, cents, version)`;
  await sql`
    insert into reductions (generation, product, market, applied_at, ends_at, listed, cents, prior_cents, permille, window_from,
      window_to, observed_days, basis_from)
    select 1, 'product ' || n, 'EU', '2026-02-01', '2100-01-01', true, 9000, 10000, 100, '2026-01-02', '2026-02-01', 30, '2026-01-01'
    from generate_series(1, ${rowCount}::int) n`;
  await growProjection(sql);
}

/** A different word for each number `n`. */
function lettersOf(sql: Sql) {
  return sql`translate(md5(n::text), '0123456789', 'ghijklmnop')`;
}

/** Fills another generation like the first one. */
export async function growGeneration(sql: Sql, generation: number): Promise<void> {
  await sql`
    insert into products (generation, id, name, price, version, created_at, updated_at, event_id)
    select ${generation}::int, id, name, price, version, created_at, updated_at, event_id from products where generation = 1
    on conflict do nothing`;
}

/** Fills another generation of prices like the first one, except for the reductions of a thousand products. */
export async function growPriceGeneration(sql: Sql, generation: number): Promise<void> {
  for (const table of ['priced_products', 'price_line', 'reductions']) {
    await sql`
      create temp table copied as select * from ${sql(table)} where generation = 1`;
    await sql`update copied set generation = ${generation}`;
    if (table === 'reductions') await sql`update copied set cents = cents + 1 where product like 'product %77'`;
    await sql`insert into ${sql(table)} select * from copied on conflict do nothing`;
    await sql`drop table copied`;
  }
}
