import { ServiceProcess } from '@catalogue/acceptance';
import { freePort } from '@catalogue/local-stack';
import type { Sql } from '@catalogue/postgres';
import { createDatabase, createTopic } from '@catalogue/testing';
import type { Bed } from '../bed.ts';
import { latencyFigures } from '../percentile.ts';
import type { Measurement } from '../processes.ts';
import { many } from './reads.ts';
import { memory, rate, type Scenario } from './scenario.ts';

/** The rate of prior prices of products that are reduced. */
export const priorPrices: Scenario = {
  name: 'prior-price',
  title: `The prior price of one product, 32 connections, ${many} reduced products`,
  mode: 'write',
  targets: [rate(20_000), memory],
  measure: async (bed) =>
    await onPrices(bed, async ({ port, pid }) => {
      const reads = Array.from({ length: 1_000 }, (_, n) => ({ path: `/products/${idOf(n * 1_000)}/prior-price` }));
      const job = { ...bed.times, port, connections: 32, expected: 200, requests: { kind: 'read', reads } as const };
      return (await bed.loadOn(pid ?? 0, job)).measured;
    }),
};

const lists = 300;

/** The latency of the list of reductions, which is read from the database each time. */
export const reductions: Scenario = {
  name: 'reductions',
  title: `The first page of 100 reductions, one client, ${many} reduced products`,
  mode: 'write',
  targets: [{ figure: 'p50', atMost: 5 }, { figure: 'p99' }],
  measure: async (bed) =>
    await onPrices(bed, async ({ url }) => {
      const found: number[] = [];
      for (let n = 0; n < lists; n++) {
        const began = performance.now();
        const response = await fetch(`${url}/reductions`);
        const rows = (await response.json()) as unknown[];
        found.push(performance.now() - began);
        if (rows.length !== 100) throw new Error(`The list has ${rows.length} reductions`);
      }
      // The first ones open connections.
      return latencyFigures(found.slice(20));
    }),
};

/** A price-history over a million products, each reduced a day ago. */
async function onPrices(bed: Bed, measure: (service: ServiceProcess) => Promise<Measurement>): Promise<Measurement> {
  const { system } = bed;
  await using topic = await createTopic(system.brokers);
  await using db = await createDatabase(system.readDb);
  const settings = { ...system.settings, PRICES_DB_DSN: db.dsn, KAFKA_TOPIC: topic.name };
  await system.run('price-history', 'migrate', [], settings);
  await fill(db.sql);
  const service = new ServiceProcess('price-history', await freePort(), settings);
  try {
    await service.start();
    return await measure(service);
  } finally {
    await service.stop();
  }
}

const idOf = (n: number) => `product-${n}`;
const dayMs = 86_400_000;

/** The rows of products that cost 100 for 40 days and less since yesterday, as the projection stores them. */
async function fill(sql: Sql): Promise<void> {
  const reducedAt = Math.floor(Date.now() / dayMs) * dayMs - dayMs;
  const offeredAt = reducedAt - 40 * dayMs;
  const settled = JSON.stringify([
    true,
    null,
    offeredAt,
    [[offeredAt, null, 10_000, 1, 'e1']],
    [[offeredAt, null]],
    {},
  ]);
  const cents = '9999 - n % 9000';
  const [offered, reduced] = [offeredAt, reducedAt].map((at) => new Date(at).toISOString());
  await sql.unsafe(`
    insert into priced_products_g1 (generation, id, version, event_id, complete_from, settled, last_change)
    select 1, 'product-' || n, 2, 'e2', '${offered}', '${settled}'::jsonb,
      jsonb_build_object('at', ${reducedAt}, 'cents', ${cents}, 'version', 2, 'eventId', 'e2')
    from generate_series(0, ${many - 1}) n;
    insert into price_line_g1 (generation, product, valid_from, valid_to, cents, version, event_id)
    select 1, 'product-' || n, '${offered}', '${reduced}', 10000, 1, 'e1' from generate_series(0, ${many - 1}) n;
    insert into price_line_g1 (generation, product, valid_from, cents, version, event_id)
    select 1, 'product-' || n, '${reduced}', ${cents}, 2, 'e2' from generate_series(0, ${many - 1}) n;
    insert into reductions_g1 (generation, product, market, applied_at, ends_at, listed, cents, prior_cents, permille,
      window_from, window_to, observed_days, basis_from)
    select 1, 'product-' || n, 'EU', '${reduced}', '${reduced}'::timestamptz + interval '90 days', true, ${cents}, 10000,
      (10000 - (${cents})) / 10, '${reduced}'::timestamptz - interval '30 days', '${reduced}', 30, '${offered}'
    from generate_series(0, ${many - 1}) n`);
  for (const table of ['priced_products', 'price_line', 'reductions']) await sql.unsafe(`vacuum analyze ${table}`);
}
