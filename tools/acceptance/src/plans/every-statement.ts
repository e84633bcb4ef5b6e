import { randomUUID } from 'node:crypto';
import { openProducer, type OutgoingMessage } from '@catalogue/kafka';
import { connect, type Sql } from '@catalogue/postgres';
import { waitFor } from '@catalogue/testing';
import type { System } from '../system.ts';
import { growGeneration, growPriceGeneration } from './grown-tables.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Makes running services send each of their statements, some many times. */
export async function useServices(system: System): Promise<void> {
  await commandProducts(system);
  await loseConnections(system);
  await queryProducts(system);
  await parkAndRelease(system);
  for (const { url } of system.running) {
    for (const path of ['metrics', 'health/ready']) await (await fetch(`${url}/${path}`)).text();
  }
}

/** Several at once, so that batches have more than one product and all sessions are used. */
async function commandProducts(system: System): Promise<void> {
  const catalogue = system.client();
  const lives = Array.from({ length: 30 }, async (_, index) => {
    const idempotencyKey = randomUUID();
    const { id } = await catalogue.create({ name: `Lamp ${index} of brass`, price: index }, { idempotencyKey });
    for (let price = 0; price < 8; price++) await catalogue.change(id, { price });
    await catalogue.change(id, { name: `Lamp ${index} of copper` });
    await catalogue.create({ name: `Lamp ${index} of brass`, price: index }, { idempotencyKey });
    if (index % 3 === 0) await catalogue.discontinue(id);
    return id;
  });
  const ids = await Promise.all(lives);
  // Enough for a snapshot, which the next command reads.
  for (let price = 0; price < 25; price++) await catalogue.change(ids[1] ?? '', { price });
  await Array.fromAsync(catalogue.history(ids[1] ?? ''));
}

/** Commands with lost answers are looked up. */
async function loseConnections(system: System): Promise<void> {
  const catalogue = system.client();
  await using write = open(system.writeDb);
  for (let round = 0; round < 4; round++) {
    const commands = Array.from({ length: 50 }, (_, price) => catalogue.create({ name: 'Lost and found', price }));
    await write.sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'command-api'`;
    await Promise.all(commands);
  }
}

async function queryProducts(system: System): Promise<void> {
  const catalogue = system.client();
  const { id, token } = await catalogue.create({ name: 'Zebra stripes', price: 1 });
  const { url } = system.services['query-api'];
  const get = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}${path}`, { headers });
    return { text: await response.text(), link: response.headers.get('link') };
  };
  await Promise.all([...Array(20).keys()].map(() => get(`/products/${id}`, { 'consistency-token': token })));
  const found = await catalogue.page({ sort: 'updatedAt', limit: 300 });
  await Promise.all(found.products.map((product) => get(`/products/${product.id}`)));
  for (const sort of ['name', '-name', 'price', '-price', 'updatedAt', '-updatedAt']) {
    for (const range of ['', '&minPrice=3&maxPrice=5']) {
      const { link } = await get(`/products?limit=10&sort=${sort}${range}`);
      const [, next] = /<([^<>]*)>; rel="next"/.exec(link ?? '') ?? [];
      if (next !== undefined) await get(next);
    }
  }
  for (const q of ['zebra', 'zebar stripes', 'ze', 'of lamp', '++', 'lamp 7']) {
    for (const range of ['', '&minPrice=1&maxPrice=900']) {
      await get(`/products?q=${encodeURIComponent(q)}${range}`);
      await get(`/products?q=${encodeURIComponent(q)}${range}&sort=price`);
    }
  }
  const withToken = { 'consistency-token': token };
  for (const query of ['', 'sort=price&minPrice=3&maxPrice=5', 'q=zebra']) await get(`/products?${query}`, withToken);
  await readStream(url);
}

/** From the newest event, and from one that is no longer in memory. */
async function readStream(url: string): Promise<void> {
  for (const lastEventId of [undefined, '1-1']) {
    const stop = new AbortController();
    const headers = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const response = await fetch(`${url}/products/stream`, { headers, signal: stop.signal });
    await response.body?.getReader().read();
    stop.abort();
  }
}

/** Products with parked events: the missing event releases most of them, the operator five. */
async function parkAndRelease(system: System): Promise<void> {
  await using read = open(system.readDb);
  const ids = Array.from({ length: 12 }, () => randomUUID());
  const parked = async (count: number) =>
    await waitFor(`${count} products to wait`, async () => {
      const [row] = await read.sql<{ products: number }[]>`
        select count(distinct product_id) as products from parked_events where product_id in ${read.sql(ids)}`;
      return row?.products === count;
    });
  const versions = (from: number, to: number, some: readonly string[]) =>
    some.flatMap((id) => Array.from({ length: to - from + 1 }, (_, index) => event(id, from + index)));
  await send(system.brokers, [
    ...ids.flatMap((id) => versions(1, 1, [id])),
    ...ids.flatMap((id) => versions(3, 6, [id])),
    ...ids.flatMap((id) => [legacy(`legacy ${id}`), legacy(`legacy ${id}`)]),
    { key: ids[0] ?? '', value: Buffer.from('no event'), headers: {} },
  ]);
  await parked(12);
  await send(system.brokers, versions(2, 2, ids.slice(0, 7)));
  await parked(6);
  const worker = (...args: string[]) => system.run('query-worker', 'cli', args);
  await worker('parked', 'list', '--reason', 'gap', '--older-than', '0s');
  await worker('parked', 'show', ids[8] ?? '');
  await worker('parked', 'retry', ids[8] ?? '');
  await worker('parked', 'discard', '--yes', '--event', `${ids[9]} 6`, ids[9] ?? '');
  await worker('parked', 'discard', '--yes', ...ids.slice(7), ids[0] ?? '');
  await parked(0);
}

function event(id: string, version: number): OutgoingMessage {
  const value = {
    id: `${id} ${version}`,
    type: version === 1 ? 'ProductCreated' : 'ProductUpdated',
    schemaVersion: 1,
    productVersion: version,
    payload: version === 1 ? { id, name: `Waiting ${id}`, price: 1 } : { id, price: version },
    timestamp: new Date().toISOString(),
  };
  return { key: id, value: Buffer.from(JSON.stringify(value)), headers: {} };
}

function legacy(id: string): OutgoingMessage {
  const payload = { id, name: `Legacy ${id}`, price: 1.5 };
  const value = { id: randomUUID(), type: 'ProductCreated', payload, timestamp: new Date().toISOString() };
  return { key: value.id, value: Buffer.from(JSON.stringify(value)), headers: {} };
}

async function send(brokers: string, messages: OutgoingMessage[]): Promise<void> {
  const producer = openProducer({ brokers, clientId: 'acceptance', log: silent });
  try {
    for (const delivery of await producer.send('product-events', messages))
      if ('error' in delivery) throw delivery.error;
  } finally {
    await producer.close();
  }
}

/** Runs the operator's commands that do not concern parked products. */
export async function useTools(system: System): Promise<void> {
  await using write = open(system.writeDb);
  const [last] = await write.sql<{ stream: string; position: number; transactionId: number }[]>`
    select stream, position, transaction_id as "transactionId" from events
    order by events.transaction_id desc, events.position desc offset 20 limit 1`;
  if (last === undefined) throw new Error('The log is empty');
  for (const from of [String(last.position), last.stream, `${last.transactionId}:${last.position}`])
    await system.run('outbox-relay', 'republish', ['--from', from]);
  const worker = (...args: string[]) => system.run('query-worker', 'cli', args);
  await worker('lag');
  await worker('rebuild', 'start');
  await fillGeneration(system.readDb, growGeneration);
  await worker('rebuild', 'status', '--parity');
  await worker('rebuild', 'switch', '--accept-differences');
  await worker('rebuild', 'rollback');
  await worker('rebuild', 'drop', (await worker('rebuild', 'status')).match(/^ *(\d+) +retired/m)?.[1] ?? '');
  await comparePrices(system);
}

/** A rebuild of price-history, whose products have rows in further tables. */
async function comparePrices(system: System): Promise<void> {
  const prices = (...args: string[]) => system.run('price-history', 'cli', args);
  await prices('rebuild', 'start');
  await fillGeneration(system.pricesDb, growPriceGeneration);
  const parity = await prices('rebuild', 'status', '--parity');
  if (!/\d rows differ/.test(parity)) throw new Error(`The grown generations do not differ: ${parity}`);
  await prices('rebuild', 'drop', '2');
}

/** Waits until the new generation has caught up, and adds what the topic does not contain. */
async function fillGeneration(dsn: string, grow: (sql: Sql, generation: number) => Promise<void>): Promise<void> {
  await using read = open(dsn);
  const isFilled = async () => {
    const states = await read.sql<{ state: string; next: number }[]>`
      select state, coalesce(sum(next), 0)::bigint as next
      from generations left join consumer_offsets using (generation) where state <> 'dropped' group by state`;
    const next = new Map(states.map((each) => [each.state, each.next]));
    return next.get('filling') === next.get('serving');
  };
  await waitFor('the new generation to be filled', isFilled, { within: 60_000, every: 100 });
  const [row] = await read.sql<{ generation: number }[]>`select generation from generations where state = 'filling'`;
  await grow(read.sql, row?.generation ?? 0);
}

function open(dsn: string): { sql: Sql } & AsyncDisposable {
  const sql = connect(dsn, { name: 'acceptance', max: 1 });
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
}
