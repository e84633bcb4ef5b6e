import type { TopicContract } from '@catalogue/contracts';
import { type Logger, repeat } from '@catalogue/service';
import { type EventSchema, jsonSchemas } from './json-schemas.ts';
import { type SchemaHeaders, schemaHeaders } from './schema-headers.ts';
import { SchemaRegistry } from './registry.ts';
import { type RegistryAddress, RegistryError } from './registry-error.ts';

const retryMs = 5_000;

/** The ids of registered schemas. Each is fetched once, and unknown until then. */
export class SchemaIds {
  readonly #registry: Pick<SchemaRegistry, 'identityOf'>;
  readonly #schemas: readonly EventSchema[];
  readonly #known = new Map<string, { id: number; headers: SchemaHeaders }>();

  constructor(registry: Pick<SchemaRegistry, 'identityOf'>, schemas: readonly EventSchema[]) {
    this.#registry = registry;
    this.#schemas = schemas;
  }

  /** The id for a type and version of event; undefined while unknown, and for another version. */
  idOf(type: string, schemaVersion: number): number | undefined {
    return this.#known.get(`${type} ${schemaVersion}`)?.id;
  }

  /** The headers of a message whose value does not begin with the id; undefined where `idOf` is. Do not change them. */
  headersOf(type: string, schemaVersion: number): SchemaHeaders | undefined {
    return this.#known.get(`${type} ${schemaVersion}`)?.headers;
  }

  /** Asks for the ids that are not known. */
  async ask(): Promise<void> {
    for (const { subject, schemaType, schema, type, schemaVersion } of this.#schemas) {
      const key = `${type} ${schemaVersion}`;
      if (this.#known.has(key)) continue;
      const identity = await this.#registry.identityOf(subject, { schemaType, schema }).catch(withAdvice(subject));
      this.#known.set(key, { id: identity.id, headers: schemaHeaders(identity) });
    }
  }

  /** Asks again and again until all are known, or `signal` is aborted. */
  async askUntilKnown(log: Pick<Logger, 'warn'>, signal: AbortSignal): Promise<void> {
    const known = new AbortController();
    const onFailure = (err: unknown) => log.warn({ err }, 'The ids of the schemas are unknown; asking again');
    await repeat({ everyMs: retryMs, signal: AbortSignal.any([signal, known.signal]), onFailure }, async () => {
      await this.ask();
      known.abort();
    });
  }
}

/** Adds the subject and the remedy to a `not-found`: registries' own messages name neither. */
function withAdvice(subject: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof RegistryError) || error.reason !== 'not-found') throw error;
    const missing = `this release's schema is not under the subject ${subject}: run "npm run schemas:publish"`;
    throw new RegistryError('not-found', missing, { cause: error });
  };
}

/** The ids of a topic's JSON Schemas; none is ever known without an address. */
export function jsonSchemaIds(address: RegistryAddress, contract: TopicContract, topic: string): SchemaIds {
  return new SchemaIds(new SchemaRegistry(address), address.url === '' ? [] : jsonSchemas(contract, topic));
}
