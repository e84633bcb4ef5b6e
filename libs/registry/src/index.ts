export { AvroCodec } from './avro-codec.ts';
export { codecOf, eitherCodec } from './codecs.ts';
export { publish } from './publication.ts';
export type { RegistryAddress } from './registry-error.ts';
export { SchemaRegistry } from './registry.ts';
export type { SchemaHeaders } from './schema-headers.ts';
export { jsonSchemaIds, type SchemaIds } from './schema-ids.ts';
