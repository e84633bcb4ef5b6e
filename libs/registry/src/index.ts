export { publish } from './publication.ts';
export { SchemaRegistry } from './registry.ts';
export { jsonSchemaIds, type SchemaIds } from './schema-ids.ts';
