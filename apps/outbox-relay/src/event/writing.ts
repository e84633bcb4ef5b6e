import type { Codec } from '@catalogue/contracts';
import { codecOf, jsonSchemaIds, type RegistryAddress, type SchemaIds } from '@catalogue/registry';
import type { EventKind } from './kind.ts';

/** How events are written. The ids of their schemas are for a header; in Avro, the message itself begins with the id. */
interface Writing {
  codec: Codec;
  schemaIds: SchemaIds;
}

/** Opens the codec of a setting. Ends the process with 78 (EX_CONFIG of sysexits) if Avro has no registry. */
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
