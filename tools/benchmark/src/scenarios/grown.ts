import { ServiceProcess } from '@catalogue/acceptance';
import { freePort } from '@catalogue/local-stack';
import { createDatabase, createTopic, waitFor } from '@catalogue/testing';
import type { Sql } from '@catalogue/postgres';
import { applied } from '../applied.ts';
import type { Bed } from '../bed.ts';
import type { Measurement } from '../processes.ts';
import { rate, rateOf, type Scenario } from './scenario.ts';

const products = 20_000;
const analysed = 100;

/**
 * New prices through the whole pipeline while PostgreSQL's statistics are those of a small table, as in a new installation, in
 * a new generation and after a burst.
 */
export const grownChanges: Scenario = {
  name: 'grown-changes',
  title: `Changes, 32 connections, relay and worker running: shown a second, ${products} products since the table of ${analysed} was analysed`,
  mode: 'write',
  targets: [rate(), rateOf('commits-32'), { figure: 'shown' }],
  measure: async (bed) => {
    await bed.empty();
    await using topic = await createTopic(bed.system.brokers);
    await using db = await createDatabase(bed.system.readDb);
    const settings = { ...bed.system.settings, READ_DB_DSN: db.dsn, KAFKA_TOPIC: topic.name };
    await bed.system.run('query-worker', 'migrate', [], settings);
    // Otherwise the figure depends on when, once a minute, the server analyses the table.
    await db.sql`alter table products_g1 set (autovacuum_enabled = off)`;
    const relay = new ServiceProcess('outbox-relay', await freePort(), settings);
    const worker = new ServiceProcess('query-worker', await freePort(), settings);
    try {
      await Promise.all([relay.start(), worker.start()]);
      await addProducts(bed, db.sql, analysed);
      await db.sql`analyze products_g1`;
      await addProducts(bed, db.sql, products);
      return await changesShown(bed, db.sql);
    } finally {
      await Promise.all([relay.stop(), worker.stop()]);
    }
  },
};

/** Adds products until the read model has this many. */
async function addProducts(bed: Bed, readDb: Sql, wanted: number): Promise<void> {
  const count = wanted - (await applied(readDb, 1));
  await bed.load({ connections: 32, count, requests: { kind: 'create' }, warmUp: 0, duration: 120_000 });
  await untilApplied(readDb, wanted);
}

/** All acknowledged changes, over the time from the first command to the last change in the read model. */
async function changesShown(bed: Bed, readDb: Sql): Promise<Measurement> {
  const rows = await readDb<{ id: string }[]>`select id from products`;
  const ids = rows.map(({ id }) => id);
  await bed.checkpoint();
  const began = performance.now();
  const { measured, acknowledged } = await bed.load({ connections: 32, requests: { kind: 'change', ids } });
  const ended = performance.now();
  await untilApplied(readDb, ids.length + acknowledged);
  const shown = performance.now();
  return { ...measured, perSecond: (acknowledged / (shown - began)) * 1000, shown: (shown - ended) / 1000 };
}

async function untilApplied(readDb: Sql, events: number): Promise<void> {
  const isApplied = async () => (await applied(readDb, 1)) >= events;
  await waitFor('the worker to have applied all', isApplied, { within: 300_000, every: 50 });
}
