import { randomUUID } from 'node:crypto';
import { type Codec, jsonCodec } from '@catalogue/contracts';
import { append } from '@catalogue/event-store';
import { findDangers, type IncomingMessage, openProducer } from '@catalogue/kafka';
import { connect } from '@catalogue/postgres';
import type { SchemaIds } from '@catalogue/registry';
import { createLogger, createMetrics } from '@catalogue/service';
import { type OwnProcess, startProcess, type TestDatabase, type TestTopic, waitFor } from '@catalogue/testing';
import { buildApp } from '../src/app.ts';
import { eventKinds } from '../src/event/kind.ts';
import { defaultName } from '../src/name.ts';
import { Sender, type SenderOptions } from '../src/sender.ts';

export const log = createLogger('test', 'silent');

export const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1);
export const newIds = (count: number) => Array.from({ length: count }, () => randomUUID());

/** Appends versions `from` to `to` to each of some products, with one statement per version. */
export async function appendTo(db: TestDatabase, products: readonly string[], from: number, to: number): Promise<void> {
  for (let version = from; version <= to; version++) {
    const appends = products.map((id) => ({
      stream: id,
      expectedVersion: version - 1,
      events: [
        {
          id: randomUUID(),
          type: version === 1 ? 'ProductCreated' : 'ProductUpdated',
          schemaVersion: 1,
          payload: version === 1 ? { id, name: 'Mouse', price: 1 } : { id, price: version },
          metadata: { requestId: 'r' },
        },
      ],
    }));
    await append(db.sql, appends);
  }
}

/** The versions of each product in the order of their first occurrence on the topic. */
export async function versionsOn(topic: TestTopic, events: number): Promise<Map<string, number[]>> {
  return versionsIn(await topic.read(events));
}

export function versionsIn(messages: readonly IncomingMessage[]): Map<string, number[]> {
  const versions = new Map<string, Set<number>>();
  for (const { key, value } of messages) {
    const decoded = jsonCodec.decode(value);
    if (decoded.kind !== 'event') throw new Error(`Not an event: ${decoded.kind}`);
    const { payload, productVersion } = decoded.event;
    if (String(key) !== payload.id) throw new Error(`${payload.id} has the key ${String(key)}`);
    versions.set(payload.id, (versions.get(payload.id) ?? new Set()).add(productVersion));
  }
  return new Map([...versions].map(([id, set]) => [id, [...set]]));
}

export function newSender(
  brokers: string,
  topic: string,
  options: Partial<Pick<SenderOptions, 'schemaIds' | 'codec'>> = {},
): Sender {
  const open = () => openProducer({ brokers, clientId: 'outbox-relay', log });
  return new Sender({ openProducer: open, topic, kind: eventKinds.products, codec: jsonCodec, log, ...options });
}

type Dependencies = Record<string, { status: string; detail?: string }>;

function statesOf(dependencies: () => Promise<Dependencies>) {
  const leadership = async () => (await dependencies())['leadership'];
  return {
    dependencies,
    isLeading: async () => (await leadership())?.detail === 'leading',
    standsBy: async () => (await leadership())?.status === 'standby',
  };
}

/** A warning, with its fields. */
interface Logged {
  msg: string;
  [field: string]: unknown;
}

interface RelayOptions {
  name?: string;
  checkTopicEvery?: number;
  schemaIds?: SchemaIds;
  codec?: Codec;
}

/** A relay in this process that runs until it is disposed of. */
export async function startRelay(
  db: TestDatabase,
  brokers: string,
  topic: Pick<TestTopic, 'name'>,
  { name = defaultName, checkTopicEvery = 60_000, schemaIds, codec = jsonCodec }: RelayOptions = {},
) {
  const stop = new AbortController();
  const store = connect(db.dsn, { name });
  const ids = schemaIds === undefined ? {} : { schemaIds };
  const sender = newSender(brokers, topic.name, { codec, ...ids });
  const logged: Logged[] = [];
  const warn = (fields: object, msg: string) => void logged.push({ ...fields, msg });
  const watched = Object.assign(createLogger('test', 'silent'), { warn });
  const metrics = createMetrics('test');
  const { app, work } = await buildApp({
    name,
    store,
    writeDb: db.dsn,
    sender,
    ...ids,
    findDangers: () => findDangers({ brokers, topic: topic.name }),
    findDangersEveryMs: checkTopicEvery,
    log: watched,
    metrics,
  });
  const working = work(stop.signal);
  return {
    logged,
    /** A metric without labels from a new scrape; undefined if it is absent. */
    metric: async (metric: string): Promise<number | undefined> => {
      const value = new RegExp(`^${metric}\\{[^}]*\\} (.*)$`, 'm').exec(await metrics.metrics())?.[1];
      return value === undefined ? undefined : Number(value === 'Nan' ? Number.NaN : value);
    },
    ...statesOf(async () => (await app.inject('/health/ready')).json<{ dependencies: Dependencies }>().dependencies),
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await working;
      await app.close();
      await sender.close();
      await store.end({ timeout: 5 });
    },
  };
}

/** Starts a relay as a separate process, as deployed. Resolves when it listens. */
export async function startRelayProcess(db: TestDatabase, brokers: string, topic: TestTopic) {
  const relay = startProcess(new URL('../src/main.ts', import.meta.url), [], settings(db, brokers, topic.name));
  const url = await waitFor('the relay to listen', () => /listening at (http:[^"]+)/.exec(relay.stdout())?.[1]);
  const states = statesOf(async () => {
    const response = await fetch(`${url}/health/ready`);
    return ((await response.json()) as { dependencies: Dependencies }).dependencies;
  });
  return { ...relay, ...states } satisfies OwnProcess;
}

/** The environment variables of a relay process. */
export function settings(db: TestDatabase, brokers: string, topic: string, name = ''): Record<string, string> {
  return {
    RELAY_NAME: name,
    WRITE_DB_DSN: db.dsn,
    KAFKA_BROKER: brokers,
    KAFKA_TOPIC: topic,
    PORT: '0',
    HOST: '127.0.0.1',
  };
}
