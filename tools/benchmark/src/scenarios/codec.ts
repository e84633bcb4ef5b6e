import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { jsonCodec, productContract, type ProductEvent } from '@catalogue/contracts';
import { AvroCodec, publish, SchemaRegistry } from '@catalogue/registry';
import { startOwnRegistry } from '@catalogue/testing';
import type { Measurement } from '../processes.ts';
import { messageOf, priceChangeOf } from '../products.ts';

interface Coded extends AsyncDisposable {
  /** The settings of services that write the topic, or read it. */
  settings: Record<string, string>;
  /** What the relay writes. */
  encode: (event: ProductEvent) => Buffer;
}

/** For Avro, starts a schema registry and publishes the schemas of the topic; disposing of it stops the registry. */
export async function openCodec(name: 'json' | 'avro', topic: string): Promise<Coded> {
  const encode = (event: ProductEvent) => jsonCodec.encode(event);
  if (name === 'json') return { settings: { KAFKA_TOPIC: topic }, encode, [Symbol.asyncDispose]: async () => {} };
  const server = await startOwnRegistry();
  const registry = new SchemaRegistry({ url: server.url, user: '', password: '' });
  await publish(registry, productContract, topic);
  const codec = new AvroCodec(registry, productContract, topic);
  await codec.prepareToEncode();
  return {
    settings: { KAFKA_TOPIC: topic, EVENT_CODEC: name, SCHEMA_REGISTRY_URL: server.url },
    encode: (event) => codec.encode(event),
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The CPU of a service for each event, as `cpu` in µs: unlike the rate, it hardly depends on what else the machine does. */
export function cpuOf(service: string, measured: Measurement): Measurement {
  const cores = measured[`cores.${service}`];
  const { perSecond } = measured;
  return cores === undefined || perSecond === undefined ? measured : { ...measured, cpu: (cores / perSecond) * 1e6 };
}

const batchSize = 200;

/** 2 000 events: a quarter create a product, the others change a price. Ids hardly compress, so all are different. */
export function sampleEvents(): ProductEvent[] {
  return Array.from({ length: 2_000 }, (_, n) => {
    const { value } = n % 4 === 0 ? messageOf(n) : priceChangeOf(n, 2);
    const { causationId: _causationId, ...event } = JSON.parse(String(value)) as ProductEvent;
    return { ...event, id: randomUUID(), correlationId: randomUUID() };
  });
}

/** The bytes of an event's value, `alone` and `batched`: as part of 200 values that are compressed together. */
export function bytesOf(values: readonly Buffer[]): Measurement {
  const batches = Array.from({ length: Math.ceil(values.length / batchSize) }, (_, batch) =>
    Buffer.concat(values.slice(batch * batchSize, (batch + 1) * batchSize)),
  );
  const sum = (of: readonly Buffer[]) => of.reduce((bytes, { length }) => bytes + length, 0);
  return {
    alone: sum(values) / values.length,
    batched: sum(batches.map((batch) => gzipSync(batch))) / values.length,
  };
}
