import { incompatibilities, type TopicContract } from '@catalogue/contracts';
import { type EventSchema, jsonSchemas } from './json-schemas.ts';
import type { SchemaRegistry } from './registry.ts';

/** The result for one subject; `broken` has a sentence for each reader that the schema breaks, and nothing was registered. */
export interface Published {
  subject: string;
  id?: number;
  isNew: boolean;
  broken: string[];
}

/**
 * Registers the schemas of a topic's events; those that are registered already keep their ids. For JSON the registry checks
 * nothing: its rules for JSON Schema allow not even an optional field, so the gate of the contracts decides.
 */
export async function publish(registry: SchemaRegistry, contract: TopicContract, topic: string): Promise<Published[]> {
  const published: Published[] = [];
  for (const schema of jsonSchemas(contract, topic)) published.push(await publishOne(registry, schema));
  return published;
}

async function publishOne(registry: SchemaRegistry, event: EventSchema): Promise<Published> {
  const { subject, schemaType, schema } = event;
  const latest = await registry.latest(subject);
  const broken = latest === undefined ? [] : breaks(latest, event);
  if (broken.length > 0) return { subject, isNew: false, broken };
  const id = await registry.register(subject, { schemaType, schema });
  await registry.setCompatibility(subject, 'NONE');
  return { subject, id, isNew: latest !== schema, broken: [] };
}

interface Versioned {
  properties: { schemaVersion: { const: number } };
}

/** Another version has an upcaster, which the gate in CI requires; consumers know it by its number. */
function breaks(latest: string, { type, schemaVersion, schema }: EventSchema): string[] {
  const stored = JSON.parse(latest) as Versioned & Record<string, unknown>;
  if (stored.properties.schemaVersion.const !== schemaVersion) return [];
  const current = JSON.parse(schema) as Record<string, unknown>;
  return incompatibilities(stored, current).map((sentence) => `${type} v${schemaVersion}: ${sentence}`);
}
