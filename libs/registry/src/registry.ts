import { type RegistryAddress, RegistryError } from './registry-error.ts';

/** A schema in the form of the registry's API: the text is JSON for both types. */
export interface RegistrySchema {
  schemaType: 'JSON' | 'AVRO';
  schema: string;
}

/** The names of a registered schema. Registries that have GUIDs: Confluent's, from version 8 on. */
export interface SchemaIdentity {
  id: number;
  guid?: string;
}

export type Compatibility = 'NONE' | 'FULL_TRANSITIVE';

/** The registry has this time for an answer. */
const defaultTimeoutMs = 5_000;

/** In bytes. A schema of ours has 2 000. */
const maxAnswerLength = 1_048_576;

const guidForm = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * The six calls of the API that Confluent's, Apicurio's and Karapace's registries share (version 7). Each rejects with
 * a `RegistryError`.
 */
export class SchemaRegistry {
  readonly #address: RegistryAddress;
  readonly #timeoutMs: number;

  constructor(address: RegistryAddress, timeoutMs = defaultTimeoutMs) {
    this.#address = address;
    this.#timeoutMs = timeoutMs;
  }

  /** Registers a schema, and returns its id; a schema that is registered already keeps its id. */
  async register(subject: string, schema: RegistrySchema): Promise<number> {
    return idIn(await this.#call('POST', `/subjects/${encodeURIComponent(subject)}/versions`, schema));
  }

  /** The id under which exactly this schema is registered, and its GUID where the registry has them. */
  async identityOf(subject: string, schema: RegistrySchema): Promise<SchemaIdentity> {
    const answer = await this.#call('POST', `/subjects/${encodeURIComponent(subject)}`, schema);
    const guid = guidIn(answer);
    return { id: idIn(answer), ...(guid === undefined ? {} : { guid }) };
  }

  /** Why the subject's mode would refuse a schema; undefined if it would not. */
  async refusalOf(subject: string, schema: RegistrySchema): Promise<string | undefined> {
    const path = `/compatibility/subjects/${encodeURIComponent(subject)}/versions?verbose=true`;
    const { is_compatible: isCompatible, reason, messages } = await this.#call('POST', path, schema);
    if (isCompatible === true) return undefined;
    const said = typeof reason === 'string' ? reason : JSON.stringify(messages ?? 'it gives no reason');
    return `The schema registry would refuse the schema: ${said}`;
  }

  /** The text of the subject's newest schema; undefined for an unknown subject. */
  async latest(subject: string): Promise<string | undefined> {
    try {
      return textIn(await this.#call('GET', `/subjects/${encodeURIComponent(subject)}/versions/latest`));
    } catch (error) {
      if (error instanceof RegistryError && error.reason === 'not-found') return undefined;
      throw error;
    }
  }

  /** The schema with an id. Ids are never reused, so that an answer can be kept for ever. */
  async schemaWith(id: number): Promise<RegistrySchema> {
    const answer = await this.#call('GET', `/schemas/ids/${id}`);
    // Registries leave the type out for Avro.
    const type = answer['schemaType'] ?? 'AVRO';
    return { schemaType: type === 'JSON' ? 'JSON' : 'AVRO', schema: textIn(answer) };
  }

  /** Sets the subject's compatibility mode. Apicurio refuses it before the subject's first schema. */
  async setCompatibility(subject: string, compatibility: Compatibility): Promise<void> {
    await this.#call('PUT', `/config/${encodeURIComponent(subject)}`, { compatibility });
  }

  async #call(method: string, path: string, body?: object): Promise<Record<string, unknown>> {
    const { url, user, password } = this.#address;
    const login = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
    const signal = AbortSignal.timeout(this.#timeoutMs);
    try {
      const response = await fetch(url + path, {
        method,
        signal,
        // A redirect to a login page would answer HTML.
        redirect: 'manual',
        headers: {
          Accept: 'application/vnd.schemaregistry.v1+json, application/json',
          'Content-Type': 'application/vnd.schemaregistry.v1+json',
          // Without it Confluent Cloud leaves out the GUID (schema-registry-api-spec.yaml in confluentinc/schema-registry).
          'Confluent-Accept-Unknown-Properties': 'true',
          ...(user === '' ? {} : { Authorization: login }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return answerOf(response.status, await limited(response));
    } catch (error) {
      if (error instanceof RegistryError) throw error;
      const reason = signal.aborted ? 'slow' : 'away';
      const detail = signal.aborted ? `no answer within ${this.#timeoutMs} ms` : causeOf(error as Error);
      throw new RegistryError(reason, detail, { cause: error });
    }
  }
}

/** The text of an answer. Stops reading at a limit. @throws {RegistryError} `no-registry` for a longer answer. */
async function limited({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
  for (let read = await reader?.read(); read?.value !== undefined; read = await reader?.read()) {
    chunks.push(read.value);
    length += read.value.length;
    if (length <= maxAnswerLength) continue;
    await reader?.cancel();
    throw new RegistryError('no-registry', `it answers more than ${maxAnswerLength} bytes`);
  }
  return Buffer.concat(chunks).toString();
}

function answerOf(status: number, text: string): Record<string, unknown> {
  const answer = objectIn(text);
  if (status === 200 && answer !== undefined) return answer;
  const said = typeof answer?.['message'] === 'string' ? answer['message'] : `it answers ${status}`;
  if (status === 401 || status === 403) throw new RegistryError('unauthorized', said);
  if (status === 409) throw new RegistryError('incompatible', said);
  if (status === 404 && answer?.['error_code'] !== undefined) throw new RegistryError('not-found', said);
  if (status === 422) throw new RegistryError('invalid', said);
  if (status >= 500) throw new RegistryError('away', said);
  throw new RegistryError('no-registry', `${said}, and not as a registry does`);
}

function objectIn(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function idIn({ id }: Record<string, unknown>): number {
  if (typeof id === 'number' && Number.isInteger(id)) return id;
  throw new RegistryError('no-registry', 'its answer has no id');
}

/** The GUID of an answer, if it has one: Confluent's registry leaves out empty members, others may not. */
function guidIn({ guid }: Record<string, unknown>): string | undefined {
  if (guid === undefined || guid === null || guid === '') return undefined;
  if (typeof guid === 'string' && guidForm.test(guid)) return guid;
  throw new RegistryError('no-registry', `its answer has a GUID of another form: ${JSON.stringify(guid).slice(0, 50)}`);
}

function textIn({ schema }: Record<string, unknown>): string {
  if (typeof schema === 'string') return schema;
  throw new RegistryError('no-registry', 'its answer has no schema');
}

/** Why a fetch failed: its message is always "fetch failed". Prefers a code: health shows it, and messages name hosts. */
function causeOf({ message, cause }: Error): string {
  if (!(cause instanceof Error)) return message;
  const { code = '' } = cause as NodeJS.ErrnoException;
  return code.startsWith('E') ? code : cause.message;
}
