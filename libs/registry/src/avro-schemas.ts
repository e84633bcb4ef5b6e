import { Kind, type TSchema } from '@sinclair/typebox';
import type { TopicContract } from '@catalogue/contracts';
import type { EventSchema } from './json-schemas.ts';
import { avroTopicOf } from './topics.ts';

/** The namespace of the events' records. */
const namespace = 'catalogue';

/**
 * The Avro schema of each type of event: one record each, under a subject of the topic in Avro and its full name. The
 * topic may be named by either name.
 */
export function avroSchemas({ definitions, envelope }: TopicContract, topic: string): EventSchema[] {
  const { type: _, ...members } = envelope['properties'] as Record<string, TSchema>;
  return Object.entries(definitions).map(([type, { schemaVersion, payload }]) => {
    const fields = fieldsOf({ ...envelope, properties: { ...members, payload } }, type);
    const schema = JSON.stringify({ type: 'record', name: type, namespace, fields });
    return { type, schemaVersion, subject: `${avroTopicOf(topic)}-${namespace}.${type}`, schemaType: 'AVRO', schema };
  });
}

/** The event's type, which is the name of its record. */
export function eventTypeOf(recordName: string | undefined): string {
  return (recordName ?? '').slice((recordName ?? '').lastIndexOf('.') + 1);
}

/** An optional member may be null, and a member with a default may be missing: both can be added and removed at any time. */
function fieldsOf({ properties, required = [] }: TSchema, record: string): object[] {
  return Object.entries(properties as Record<string, TSchema>).map(([name, schema]) => {
    const type = avroTypeOf(schema, `${record}_${name}`);
    if (!(required as string[]).includes(name)) return { name, type: ['null', type], default: null };
    return { name, type, ...(schema.default === undefined ? {} : { default: schema.default as unknown }) };
  });
}

function avroTypeOf(schema: TSchema, name: string): unknown {
  // Money as floating point would not be exact in other languages. 11 digits are the largest price in cents.
  if (schema[Kind] === 'Price') return { type: 'bytes', logicalType: 'decimal', precision: 11, scale: 2 };
  if (schema.format === 'date-time') return { type: 'long', logicalType: 'timestamp-millis' };
  // Not an enum: Avro readers refuse words that are new to them.
  if (isWords(schema)) return 'string';
  switch (schema.type as unknown) {
    case 'object':
      return { type: 'record', name, fields: fieldsOf(schema, name) };
    case 'integer':
      return Number(schema.maximum ?? Infinity) <= 2 ** 31 - 1 ? 'int' : 'long';
    case 'number':
      return 'double';
    case 'string':
    case 'boolean':
      return schema.type;
    default:
      throw new Error(`${name} has the JSON Schema type ${String(schema.type)}, for which no Avro type is known`);
  }
}

function isWords({ anyOf }: TSchema): boolean {
  return Array.isArray(anyOf) && (anyOf as TSchema[]).every(({ type }) => type === 'string');
}
