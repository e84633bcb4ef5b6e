import { type Codec, jsonCodec, productContract, type TopicContract } from '@catalogue/contracts';
import { AvroCodec } from './avro-codec.ts';
import { SchemaRegistry } from './registry.ts';
import type { RegistryAddress } from './registry-error.ts';

/** Reads events in JSON, and with a registry also in Avro. */
export function eitherCodec(address: RegistryAddress): Codec {
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
