import { type Codec, jsonCodec, productContract, type TopicContract } from '@catalogue/contracts';
import { readSettings, registrySettings } from '@catalogue/service';
import { AvroCodec } from './avro-codec.ts';
import { SchemaRegistry } from './registry.ts';
import type { RegistryAddress } from './registry-error.ts';

/** Reads events in JSON, and in Avro where the environment has the address of a registry. */
export function eitherCodec(environment: Record<string, string | undefined>): Codec {
  const address = readSettings(registrySettings, environment);
  return address.url === '' ? jsonCodec : new AvroCodec(new SchemaRegistry(address), productContract, '');
}

/** Writes the events of a topic. */
export function codecOf(
  name: 'json' | 'avro',
  address: RegistryAddress,
  contract: TopicContract,
  topic: string,
): Codec {
  return name === 'json' ? jsonCodec : new AvroCodec(new SchemaRegistry(address), contract, topic);
}
