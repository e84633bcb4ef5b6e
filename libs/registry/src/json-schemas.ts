import type { TopicContract } from '@catalogue/contracts';
import type { RegistrySchema } from './registry.ts';
import { jsonTopicOf } from './topics.ts';

/** An event's schema for the registry: envelope and payload. */
export interface EventSchema extends RegistrySchema {
  type: string;
  schemaVersion: number;
  subject: string;
}

/** The JSON Schema of each type of event, under a subject of its topic and its name (Confluent's TopicRecordNameStrategy). */
export function jsonSchemas({ definitions, envelope }: TopicContract, topic: string): EventSchema[] {
  return Object.entries(definitions).map(([type, { schemaVersion, payload }]) => {
    const { properties, ...rest } = envelope;
    const schema = {
      $schema: 'http://json-schema.org/draft-07/schema#',
      title: type,
      ...rest,
      properties: {
        ...(properties as object),
        type: { type: 'string', const: type },
        schemaVersion: { type: 'integer', const: schemaVersion },
        payload,
      },
    };
    const subject = `${jsonTopicOf(topic)}-${type}`;
    return { type, schemaVersion, subject, schemaType: 'JSON', schema: JSON.stringify(schema) };
  });
}
