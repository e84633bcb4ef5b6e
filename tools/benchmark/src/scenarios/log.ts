import { randomUUID } from 'node:crypto';
import type { Bed } from '../bed.ts';

// One transaction each, like a large group commit.
const appendBatchSize = 1_000;

/** The number of events in the event store. */
export async function storedEvents({ writeDb }: Bed): Promise<number> {
  const [row] = await writeDb<{ events: number }[]>`select count(*) as events from events`;
  return row?.events ?? 0;
}

/** The number of products with a gap in their versions. */
export async function productsWithGaps({ writeDb }: Bed): Promise<number> {
  const [row] = await writeDb<{ products: number }[]>`
    select count(*) as products from (select from events group by stream having max(version) <> count(*)) as gaps`;
  return row?.products ?? 0;
}

/** Fills an empty log with new products, and returns their ids. */
export async function seedProducts(bed: Bed, count: number): Promise<string[]> {
  await bed.empty();
  const connections = Math.min(count, 32);
  await bed.load({ connections, count, requests: { kind: 'create' }, warmUp: 0, duration: 60_000 });
  const rows = await bed.writeDb<{ stream: string }[]>`select stream from events`;
  return rows.map(({ stream }) => stream);
}

/** Adds products with three versions each, as command-api stores them. `events` is a multiple of 3 000. */
export async function appendBacklog({ writeDb }: Bed, events: number): Promise<void> {
  const products = events / 3;
  const run = randomUUID();
  for (let done = 0; done < events; done += appendBatchSize) {
    const version = Math.floor(done / products) + 1;
    await writeDb`
      insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
      select product, ${version}::integer, gen_random_uuid(), ${version === 1 ? 'ProductCreated' : 'ProductUpdated'}, 1,
        jsonb_build_object('id', product, 'price', n % 10000 / 100.0)
          || case when ${version}::integer = 1 then jsonb_build_object('name', 'Mouse ergonomico ' || n) else '{}' end,
        jsonb_build_object('requestId', gen_random_uuid(), 'subject', 'anonymous',
          'traceparent', '00-' || md5(random()::text) || '-' || left(md5(random()::text), 16) || '-01'),
        now()
      from (
        select n, md5(${run}::text || n)::uuid as product
        from generate_series(${done % products}::integer, ${(done % products) + appendBatchSize - 1}::integer) as n
      ) as products`;
  }
}
