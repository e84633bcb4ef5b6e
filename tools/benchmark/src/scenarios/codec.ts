import { productContract } from '@catalogue/contracts';
import { publish, SchemaRegistry } from '@catalogue/registry';
import { startOwnRegistry } from '@catalogue/testing';
import type { Measurement } from '../processes.ts';

/** The settings of services that write a topic, or read it, in a codec. */
interface Coded extends AsyncDisposable {
  settings: Record<string, string>;
}

/** For Avro, starts a schema registry and publishes the schemas of the topic; disposing of it stops the registry. */
export async function openCodec(codec: 'json' | 'avro', topic: string): Promise<Coded> {
  if (codec === 'json') return { settings: { KAFKA_TOPIC: topic }, [Symbol.asyncDispose]: async () => {} };
  const server = await startOwnRegistry();
  await publish(new SchemaRegistry({ url: server.url, user: '', password: '' }), productContract, topic);
  return {
    settings: { KAFKA_TOPIC: topic, EVENT_CODEC: codec, SCHEMA_REGISTRY_URL: server.url },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

/** The CPU of a service for each event, as `cpu` in µs: unlike the rate, it hardly depends on what else the machine does. */
export function cpuOf(service: string, measured: Measurement): Measurement {
  const cores = measured[`cores.${service}`];
  const { perSecond } = measured;
  return cores === undefined || perSecond === undefined ? measured : { ...measured, cpu: (cores / perSecond) * 1e6 };
}
