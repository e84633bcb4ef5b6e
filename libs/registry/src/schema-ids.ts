import type { TopicContract } from '@catalogue/contracts';
import { type Logger, repeat } from '@catalogue/service';
import { type EventSchema, jsonSchemas } from './json-schemas.ts';
import { SchemaRegistry } from './registry.ts';
import { type RegistryAddress, RegistryError } from './registry-error.ts';

const retryMs = 5_000;

/** The ids of registered schemas, asked for once. Until the registry has answered they are unknown. */
export class SchemaIds {
  readonly #registry: Pick<SchemaRegistry, 'idOf'>;
  readonly #schemas: readonly EventSchema[];
  readonly #ids = new Map<string, number>();

  constructor(registry: Pick<SchemaRegistry, 'idOf'>, schemas: readonly EventSchema[]) {
    this.#registry = registry;
    this.#schemas = schemas;
  }

  /** Of a type of event; undefined while unknown, and for another version of it. */
  idOf(type: string, schemaVersion: number): number | undefined {
    return this.#ids.get(`${type} ${schemaVersion}`);
  }

  /** Asks for the ids that are not known. */
  async ask(): Promise<void> {
    for (const { subject, schemaType, schema, type, schemaVersion } of this.#schemas) {
      const key = `${type} ${schemaVersion}`;
      if (this.#ids.has(key)) continue;
      this.#ids.set(key, await this.#registry.idOf(subject, { schemaType, schema }).catch(withAdvice(subject)));
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

/** A registry's own words for a missing schema say neither which one nor what to do. */
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
