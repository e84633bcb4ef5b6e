import type { Codec } from '@catalogue/contracts';
import { codecOf, jsonSchemaIds, type RegistryAddress, type SchemaIds } from '@catalogue/registry';
import type { EventKind } from './kind.ts';

/** How events are written, and the ids of their schemas for a header: in Avro a message begins with the id. */
interface Writing {
  codec: Codec;
  schemaIds: SchemaIds;
}

/** Ends the process with 78 (EX_CONFIG of sysexits) if Avro lacks a registry. */
export function openWriting(
  name: 'json' | 'avro',
  address: RegistryAddress,
  { contract }: EventKind,
  topic: string,
): Writing {
  if (name === 'avro' && address.url === '') {
    process.stderr.write('SCHEMA_REGISTRY_URL is missing, which EVENT_CODEC=avro needs\n');
    process.exit(78);
  }
  const idsFrom = name === 'avro' ? { ...address, url: '' } : address;
  return { codec: codecOf(name, address, contract, topic), schemaIds: jsonSchemaIds(idsFrom, contract, topic) };
}
