import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect as connectSocket, createServer, type Socket } from 'node:net';
import { type Codec, jsonCodec } from '@catalogue/contracts';
import { openProducer, type OutgoingMessage } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import { buildWorker } from '@catalogue/projection';
import { createLogger, createMetrics } from '@catalogue/service';
import { type TestDatabase, type TestTopic, waitFor } from '@catalogue/testing';
import { productModel } from '../src/model.ts';
import { connectReadModel } from './products.ts';

const silent = createLogger('test', 'silent');

interface Seams {
  /** What the worker is given for its connection to the database. */
  through?: (sql: Sql) => Sql;
  stalledAfterMs?: number;
  codec?: Codec;
}

/** A worker that runs until it is disposed of. */
export async function startWorker(brokers: string, dsn: string, topic: string, log = silent, seams: Seams = {}) {
  const { through = (sql) => sql, ...options } = seams;
  const stop = new AbortController();
  const sql = connectReadModel(dsn);
  const metrics = createMetrics('test');
  const { app, work, generations } = await buildWorker(productModel(), {
    codec: jsonCodec,
    ...options,
    sql: through(sql),
    brokers,
    topic,
    log,
    metrics,
  });
  const working = work(stop.signal);
  /** Why it ended before it was told to. */
  let fault: unknown;
  working.catch((error: unknown) => (fault = error));
  return {
    generations,
    fault: () => fault,
    /** The partitions it has of the serving generation. */
    partitions: () => generations.serving?.consumer.partitions() ?? [],
    /** What `/health/ready` says. */
    health: async () => {
      const answer = await app.inject('/health/ready');
      const body = answer.json<{ dependencies: Record<string, { status: string; detail?: string }> }>();
      return { code: answer.statusCode, dependencies: body.dependencies };
    },
    /** The lines of `/metrics` that begin with the name. */
    metric: async (name: string) =>
      (await app.inject('/metrics')).body.split('\n').filter((line) => line.startsWith(name)),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await working.catch(() => {}); // Tests that expect none look at the fault.
      await app.close();
      await sql.end({ timeout: 5 });
    },
  };
}

/** Sends messages and resolves when they are in the log; throws when one is not. */
export async function openSender(brokers: string, topic: TestTopic) {
  const producer = openProducer({ brokers, clientId: 'test', log: silent });
  return {
    send: async (messages: OutgoingMessage[]) => {
      for (const delivery of await producer.send(topic.name, messages)) if ('error' in delivery) throw delivery.error;
    },
    [Symbol.asyncDispose]: () => producer.close(),
  };
}

/** The event that takes a product to this version. The same arguments give the same event. */
export function event(id: string, version: number, change: object = {}): OutgoingMessage {
  const payload = version === 1 ? { id, name: `Product ${id}`, price: 1 } : { id, price: version };
  return message(id, {
    id: `${id} ${version}`,
    type: version === 1 ? 'ProductCreated' : 'ProductUpdated',
    schemaVersion: 1,
    productVersion: version,
    payload,
    timestamp: new Date(Date.UTC(2026, 10, 23) + version).toISOString(),
    ...change,
  });
}

export function message(key: string, value: object | string | Buffer): OutgoingMessage {
  const bytes = Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
  return { key, value: bytes, headers: {} };
}

export const newIds = (count: number) => Array.from({ length: count }, () => randomUUID());

/** Resolves when everything on the topic is applied to a generation, as the stored offsets say. */
export async function applied(
  db: TestDatabase,
  messages: number,
  generation = 1,
  // Room for a busy machine: what never comes is not there after a minute either.
  { within = 60_000 }: { within?: number } = {},
): Promise<void> {
  await waitFor(
    `${messages} messages to be applied`,
    async () => {
      const [row] = await db.sql<{ sum: number }[]>`
        select sum(next)::bigint as sum from consumer_offsets where generation = ${generation}`;
      return row?.sum === messages;
    },
    { within },
  );
}

/** What the read model says of each product, by id: its version and price. */
export async function readModel(db: TestDatabase): Promise<Map<string, { version: number; price: string }>> {
  const rows = await db.sql<{ id: string; version: number; price: string }[]>`
    select id, version, price from products_read`;
  return new Map(rows.map(({ id, version, price }) => [id, { version, price }]));
}

/** A database as seen through a door that can be shut: connections end, and no others are made. */
export async function openDoor(dsn: string) {
  const url = new URL(dsn);
  const target = { host: url.hostname, port: Number(url.port) };
  const sockets = new Set<Socket>();
  const server = createServer((inside) => {
    const outside = connectSocket(target);
    for (const socket of [inside, outside]) {
      sockets.add(socket);
      socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    }
    inside.pipe(outside).on('close', () => inside.destroy());
    outside.pipe(inside).on('close', () => outside.destroy());
  });
  const listen = async (port: number) => void (await once(server.listen(port, '127.0.0.1'), 'listening'));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  url.host = `127.0.0.1:${port}`;
  const shut = async () => {
    const closed = server.listening ? once(server.close(), 'close') : undefined;
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { dsn: url.href, shut, open: () => listen(port), [Symbol.asyncDispose]: shut };
}
