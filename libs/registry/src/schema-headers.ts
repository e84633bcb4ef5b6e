import type { SchemaIdentity } from './registry.ts';

/** Headers of a Kafka message, by name. */
export type SchemaHeaders = Readonly<Record<string, string | Buffer>>;

/** `SchemaId.MAGIC_BYTE_V1` of Confluent's: a GUID follows. */
const guidMagic = 1;

/**
 * The headers that name the schema of a message's value: `schema-id` is ours, the id in decimal. `__value_schema_id` is
 * Confluent's, where the registry has GUIDs: byte 1 and the 16 bytes of the GUID in the order in which it is written, as by
 * `HeaderSchemaIdSerializer` and `SchemaId.guidToBytes` (confluentinc/schema-registry 8,
 * schema-serializer/src/main/java/io/confluent/kafka/serializers/schema/id; `SchemaId` in
 * confluentinc/confluent-kafka-javascript does the same). `__key_schema_id` is not sent: a key is an id and has no schema.
 *
 * Only for values that do not begin with the id. `DualSchemaIdDeserializer`, Confluent's default for reading, looks for the
 * header first, and takes the whole value for the record where it finds one.
 */
export function schemaHeaders({ id, guid }: SchemaIdentity): SchemaHeaders {
  const ours = { 'schema-id': String(id) };
  if (guid === undefined) return ours;
  const bytes = Buffer.from(guid.replaceAll('-', ''), 'hex');
  return { ...ours, __value_schema_id: Buffer.concat([Buffer.of(guidMagic), bytes]) };
}
