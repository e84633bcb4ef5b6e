import { incompatibilities, type TopicContract } from '@catalogue/contracts';
import { avroSchemas } from './avro-schemas.ts';
import { type EventSchema, jsonSchemas } from './json-schemas.ts';
import { RegistryError } from './registry-error.ts';
import type { SchemaRegistry } from './registry.ts';

/** The result for one subject; where `broken` has sentences, nothing was registered. */
export interface Published {
  subject: string;
  id?: number;
  isNew: boolean;
  broken: string[];
}

/**
 * Registers the schemas of a topic's events in JSON and of its topic in Avro; those that are registered already keep
 * their ids. For Avro the registry decides what is compatible. For JSON it checks nothing: its rules for JSON Schema
 * allow not even an optional field, so the gate of the contracts decides.
 */
export async function publish(registry: SchemaRegistry, contract: TopicContract, topic: string): Promise<Published[]> {
  const published: Published[] = [];
  const broken = new Map<string, string[]>();
  for (const schema of jsonSchemas(contract, topic)) {
    const latest = await registry.latest(schema.subject);
    const breaks = latest === undefined ? [] : breaksOf(latest, schema);
    broken.set(schema.type, breaks);
    if (breaks.length > 0) published.push({ subject: schema.subject, isNew: false, broken: breaks });
    else published.push(await register(registry, schema, latest, 'NONE'));
  }
  for (const schema of avroSchemas(contract, topic))
    published.push(await publishAvro(registry, schema, broken.get(schema.type) ?? []));
  return published;
}

/** Registers no schema that the gate of the contracts found broken, and adds the registry's reason. */
async function publishAvro(registry: SchemaRegistry, event: EventSchema, broken: string[]): Promise<Published> {
  const { subject, schemaType, schema } = event;
  const latest = await registry.latest(subject);
  if (broken.length > 0) {
    const refusal = latest === undefined ? undefined : await registry.refusalOf(subject, { schemaType, schema });
    return { subject, isNew: false, broken: [...(refusal === undefined ? [] : [refusal]), ...broken] };
  }
  try {
    return await register(registry, event, latest, 'FULL_TRANSITIVE');
  } catch (error) {
    if (!(error instanceof RegistryError) || error.reason !== 'incompatible') throw error;
    return { subject, isNew: false, broken: [error.message, advice(event)] };
  }
}

/** Advice for a change that the gate allows because of an upcaster. */
function advice({ type, schemaVersion }: EventSchema): string {
  return `${type} v${schemaVersion}: readers in Avro have no upcaster: give new fields a default, keep required ones, or make a new type of event`;
}

async function register(
  registry: SchemaRegistry,
  { subject, schemaType, schema }: EventSchema,
  latest: string | undefined,
  compatibility: 'NONE' | 'FULL_TRANSITIVE',
): Promise<Published> {
  // Before the first schema there is no subject whose mode could be set.
  if (latest !== undefined) await registry.setCompatibility(subject, compatibility);
  const id = await registry.register(subject, { schemaType, schema });
  if (latest === undefined) await registry.setCompatibility(subject, compatibility);
  return { subject, id, isNew: latest !== schema, broken: [] };
}

interface Versioned {
  properties: { schemaVersion: { const: number } };
}

/** The breaks within one version. A new version may differ: the gate in CI requires an upcaster for it. */
function breaksOf(latest: string, { type, schemaVersion, schema }: EventSchema): string[] {
  const stored = JSON.parse(latest) as Versioned & Record<string, unknown>;
  if (stored.properties.schemaVersion.const !== schemaVersion) return [];
  const current = JSON.parse(schema) as Record<string, unknown>;
  return incompatibilities(stored, current).map((sentence) => `${type} v${schemaVersion}: ${sentence}`);
}
