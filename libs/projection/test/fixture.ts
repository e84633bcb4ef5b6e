import { jsonCodec } from '@catalogue/contracts';
import type { OutgoingMessage } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import { createLogger, createMetrics } from '@catalogue/service';
import { type TestDatabase, waitFor } from '@catalogue/testing';
import { connectModel, openProjection } from '../src/index.ts';
import { counterModel } from './counter.ts';

/** A process's projection of counters, until it is disposed of. */
export async function startCounter(
  brokers: string,
  dsn: string,
  topic: string,
  sql: Sql = connectModel(counterModel, dsn),
  model = counterModel,
) {
  const stop = new AbortController();
  const { generations, work } = openProjection(model, {
    sql,
    brokers,
    topic,
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    codec: jsonCodec,
  });
  const working = work(stop.signal);
  working.catch(() => {}); // What it fails with is thrown when it is disposed of.
  return {
    /** The partitions that it has of the serving generation. */
    partitions: () => generations.serving?.consumer.partitions() ?? [],
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      try {
        await working;
      } finally {
        await sql.end({ timeout: 5 });
      }
    },
  };
}

/** The event that takes a product to this version. The same arguments give the same event. */
export function event(id: string, version: number, change: object = {}): OutgoingMessage {
  return message(id, {
    id: `${id} ${version}`,
    type: version === 1 ? 'ProductCreated' : 'ProductUpdated',
    schemaVersion: 1,
    productVersion: version,
    payload: version === 1 ? { id, name: `Product ${id}`, price: 1 } : { id, price: version },
    timestamp: new Date(Date.UTC(2026, 10, 23) + version).toISOString(),
    ...change,
  });
}

export function message(key: string, value: object | string): OutgoingMessage {
  return { key, value: Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), headers: {} };
}

/** Resolves when a generation has applied so many messages, as its stored offsets say. */
export async function applied(db: TestDatabase, messages: number, generation = 1): Promise<void> {
  await waitFor(`${messages} messages to be applied`, async () => {
    const [row] = await db.sql<{ sum: number }[]>`
      select sum(next)::bigint as sum from consumer_offsets where generation = ${generation}`;
    return row?.sum === messages;
  });
}

/** How many events readers see of each product, by id. */
export async function shown(db: TestDatabase): Promise<Record<string, number>> {
  const rows = await db.sql<{ id: string; events: number }[]>`select id, events from counters_shown order by id`;
  return Object.fromEntries(rows.map(({ id, events }) => [id, events]));
}
