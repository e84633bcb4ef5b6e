import type { Type } from 'avsc';
import {
  type Codec,
  type TopicContract,
  createEventReader,
  createUpcaster,
  type Decoded,
  jsonCodec,
  type ProductEvent,
} from '@catalogue/contracts';
import { avroSchemas, eventTypeOf } from './avro-schemas.ts';
import { parseAvro } from './avro-type.ts';
import { frame, type Framed, headLength, schemaIdIn } from './frame.ts';
import { SchemaIds } from './schema-ids.ts';
import type { SchemaRegistry } from './registry.ts';

/** This release's schema of a type of event. */
interface Reader {
  type: Type;
  schemaVersion: number;
}

/** The schema of a message's producer: its type, and how to read it by this release's schema, if the two are compatible. */
interface Writer {
  eventType: string;
  type: Type;
  reader?: Reader & { resolver: object };
}

/**
 * Events in Avro, in Confluent's wire format: byte 0, the schema's id, the record. Reads events in JSON as well, told
 * apart by the first byte, so that one topic may have both.
 */
export class AvroCodec implements Codec {
  readonly contentType = 'application/vnd.apache.avro';
  readonly #registry: Pick<SchemaRegistry, 'identityOf' | 'schemaWith'>;
  readonly #ids: SchemaIds;
  readonly #readers: Map<string, Reader>;
  readonly #writers = new Map<number, Writer | { fault: string }>();
  readonly #read: (value: unknown) => Decoded;
  readonly #upcast: ReturnType<typeof createUpcaster>;

  constructor(registry: Pick<SchemaRegistry, 'identityOf' | 'schemaWith'>, contract: TopicContract, topic: string) {
    const schemas = avroSchemas(contract, topic);
    this.#registry = registry;
    this.#ids = new SchemaIds(registry, schemas);
    this.#readers = new Map(
      schemas.map(({ type, schemaVersion, schema }) => [type, { type: parseAvro(schema), schemaVersion }]),
    );
    this.#read = createEventReader(contract.definitions);
    this.#upcast = createUpcaster(contract.definitions);
  }

  /** Learns the ids of the schemas that `encode` needs. Rejects while the registry does not answer. */
  async prepareToEncode(): Promise<void> {
    await this.#ids.ask();
  }

  /** Events of older versions are written in the newest: a topic in Avro has one schema of each type. */
  encode(event: ProductEvent): Buffer {
    const { type } = event;
    const payload = this.#upcast(type, event.schemaVersion, event.payload);
    const { type: avroType, schemaVersion } = this.#readers.get(type) as Reader;
    const schemaId = this.#ids.idOf(type, schemaVersion);
    if (schemaId === undefined) throw new Error(`The id of the schema of ${type} is unknown`);
    return frame(schemaId, avroType, { ...event, schemaVersion, payload });
  }

  /** Learns the schemas of messages. Rejects while the registry does not answer, or does not know one. */
  async prepareToDecode(values: Iterable<Uint8Array | null>): Promise<void> {
    for (const value of values) {
      const id = schemaIdIn(value);
      if (id !== undefined && !this.#writers.has(id)) this.#writers.set(id, await this.#ask(id));
    }
  }

  decode(value: Uint8Array | null): Decoded {
    const first = value?.[0];
    if (value === null || first === undefined || first > 0x1f) return jsonCodec.decode(value);
    if (first !== 0) {
      if (/\s/.test(String.fromCharCode(first))) return jsonCodec.decode(value);
      return undecodable(`it begins with byte ${first}, which is neither JSON nor Confluent's wire format`);
    }
    const id = schemaIdIn(value);
    if (id === undefined) return undecodable('it ends within the id of its schema');
    const writer = this.#writers.get(id);
    if (writer === undefined) return undecodable(`schema ${id} was not fetched`);
    if ('fault' in writer) return undecodable(`schema ${id} ${writer.fault}`);
    try {
      return this.#decodeBy(writer, Buffer.isBuffer(value) ? value : Buffer.from(value));
    } catch (error) {
      return undecodable(`it cannot be read by schema ${id}: ${reasonOf(error)}`);
    }
  }

  /** Decodes by the producer's schema, and an event of a later version by ours, where Avro's rules allow that. */
  #decodeBy({ eventType, type, reader }: Writer, value: Buffer): Decoded {
    const event = eventOf(eventType, whole(type.decode(value, headLength), value));
    if (reader === undefined || event.schemaVersion <= reader.schemaVersion) return this.#read(event);
    const resolved = whole(reader.type.decode(value, headLength, reader.resolver), value);
    return this.#read({ ...eventOf(eventType, resolved), schemaVersion: reader.schemaVersion });
  }

  async #ask(id: number): Promise<Writer | { fault: string }> {
    const { schemaType, schema } = await this.#registry.schemaWith(id);
    if (schemaType !== 'AVRO') return { fault: 'is not in Avro' };
    try {
      const type = parseAvro(schema);
      if (type.typeName !== 'record') return { fault: `is a ${type.typeName}, not a record` };
      const eventType = eventTypeOf(type.name);
      return { eventType, type, ...this.#readerOf(eventType, type) };
    } catch (error) {
      return { fault: `is no schema: ${reasonOf(error)}` };
    }
  }

  #readerOf(eventType: string, writer: Type): Pick<Writer, 'reader'> {
    const reader = this.#readers.get(eventType);
    if (reader === undefined) return {};
    try {
      return { reader: { ...reader, resolver: reader.type.createResolver(writer) } };
    } catch {
      // Incompatible: events of a newer version are parked.
      return {};
    }
  }
}

function whole({ value, offset }: Framed, bytes: Buffer): Record<string, unknown> {
  if (offset < 0) throw new Error('it is cut off');
  if (offset !== bytes.length) throw new Error(`${bytes.length - offset} bytes follow the record`);
  return value as Record<string, unknown>;
}

function eventOf(type: string, record: Record<string, unknown>) {
  const event: Record<string, unknown> & { schemaVersion: number } = {
    id: record['id'],
    type,
    schemaVersion: Number(record['schemaVersion']),
    productVersion: record['productVersion'],
    payload: withoutNulls(record['payload'] as Record<string, unknown>),
    timestamp: record['timestamp'],
  };
  for (const name in record) if (record[name] !== null && !(name in event)) event[name] = record[name];
  return event;
}

/** Absent members are null in Avro. Loops here, because `Object.entries` took half of the time of decoding. */
function withoutNulls(record: Record<string, unknown>): Record<string, unknown> {
  const members: Record<string, unknown> = {};
  for (const name in record) {
    const value = record[name];
    if (value !== null) members[name] = value;
  }
  return members;
}

function undecodable(reason: string): Decoded {
  return { kind: 'undecodable', reason: `The message is not an event: ${reason}` };
}

function reasonOf(error: unknown): string {
  return error instanceof RangeError && /call stack/.test(error.message)
    ? 'it is nested too deeply'
    : (error as Error).message;
}
