import './formats.ts';
import type { TSchema } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';
import { Envelope, LegacyEnvelope, type ProductEvent } from './envelope.ts';
import type { EventDefinitions } from './event-definition.ts';
import { productEvents } from './product-events.ts';
import type { PromotionEvent } from './promotion-events.ts';
import { createUpcaster, type Upcast } from './upcast.ts';

/**
 * The result of reading a message.
 * - `event`: a known event in the newest version: `payload` is upcast if necessary, and `schemaVersion` is the version
 *   of that payload, so that the two can be encoded again.
 * - `unknown-type`: a well-formed event of a type of a later release; it changes only the product's version.
 * - `newer-schema`: a later version of a known type; it must not be guessed at.
 * - `legacy`: a message of an older producer, without versions.
 * - `undecodable`: not an event; `reason` says why in one sentence.
 */
export type Decoded =
  | { kind: 'event'; event: ProductEvent }
  | { kind: 'unknown-type'; event: Envelope }
  | { kind: 'newer-schema'; event: Envelope }
  | { kind: 'legacy'; event: LegacyEnvelope }
  | { kind: 'undecodable'; reason: string };

/** Writes events to bytes, and reads those of products. JSON is the first codec. */
export interface Codec {
  readonly contentType: string;
  encode(event: ProductEvent | PromotionEvent): Buffer;
  /** Never throws: an unreadable message is `undecodable`. */
  decode(value: Uint8Array | null): Decoded;
  /** Rejects until `encode` can write events. Absent where it always can. */
  prepareToEncode?(): Promise<void>;
  /** Rejects until `decode` can read all these messages; safe to repeat. Absent where it always can. */
  prepareToDecode?(values: Iterable<Uint8Array | null>): Promise<void>;
}

const envelope = TypeCompiler.Compile(Envelope);
const legacyEnvelope = TypeCompiler.Compile(LegacyEnvelope);

/** The most characters of an event's id, and of its type: consumers keep both, of every event that waits, in memory. */
const maxNameLength = 255;

const framed = 'The message begins with byte 0: its schema is in a schema registry, and SCHEMA_REGISTRY_URL is not set';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Events as JSON, checked by the schemas that also check HTTP bodies. */
export function createJsonCodec(definitions: EventDefinitions): Codec {
  const read = createEventReader(definitions);
  return {
    contentType: 'application/json',
    encode: (event) => Buffer.from(JSON.stringify(event)),
    decode: (value) => {
      if (value === null) return { kind: 'undecodable', reason: 'The message has no value' };
      if (value[0] === 0) return { kind: 'undecodable', reason: framed };
      let parsed: unknown;
      try {
        parsed = JSON.parse(utf8.decode(value));
      } catch (error) {
        return { kind: 'undecodable', reason: `The message is not JSON: ${(error as Error).message}` };
      }
      return read(parsed);
    },
  };
}

/** Checks and upcasts what a codec has parsed. */
export function createEventReader(definitions: EventDefinitions): (value: unknown) => Decoded {
  const types = knownTypes(definitions);
  return (value) => classify(value, types);
}

/** The codec of this release's events. */
export const jsonCodec: Codec = createJsonCodec(productEvents);

/** A known type of event: its newest version, the check of that version, and the upcaster. */
interface KnownType {
  schemaVersion: number;
  check: TypeCheck<TSchema>;
  upcast: Upcast;
}

function knownTypes(definitions: EventDefinitions): Map<string, KnownType> {
  const upcast = createUpcaster(definitions);
  return new Map(
    Object.entries(definitions).map(([type, { schemaVersion, payload }]) => [
      type,
      { schemaVersion, check: TypeCompiler.Compile(payload), upcast },
    ]),
  );
}

function classify(value: unknown, types: ReadonlyMap<string, KnownType>): Decoded {
  if (isUnversioned(value)) {
    return legacyEnvelope.Check(value) ? { kind: 'legacy', event: value } : undecodable(legacyEnvelope, value);
  }
  if (!envelope.Check(value)) return undecodable(envelope, value);
  if (Math.max(value.id.length, value.type.length) > maxNameLength)
    return {
      kind: 'undecodable',
      reason: `The message is not an event: its id or type has more than ${maxNameLength} characters`,
    };
  const known = types.get(value.type);
  if (known === undefined) return { kind: 'unknown-type', event: value };
  if (value.schemaVersion > known.schemaVersion) return { kind: 'newer-schema', event: value };
  return value.schemaVersion < known.schemaVersion ? readOlder(value, known) : readNewest(value, known);
}

/** Upcasters get unchecked payloads, so one that throws means that the message is not an event. */
function readOlder(value: Envelope, known: KnownType): Decoded {
  try {
    const payload = known.upcast(value.type, value.schemaVersion, value.payload) as Envelope['payload'];
    return readNewest({ ...value, schemaVersion: known.schemaVersion, payload }, known);
  } catch (error) {
    const reason = `The message is not an event: ${value.type} at schema version ${value.schemaVersion} cannot be upcast`;
    return { kind: 'undecodable', reason: `${reason}: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function readNewest(value: Envelope, { check }: KnownType): Decoded {
  if (!check.Check(value.payload)) return undecodable(check, value.payload, '/payload');
  return { kind: 'event', event: value as ProductEvent };
}

function isUnversioned(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !('productVersion' in value) && !('schemaVersion' in value);
}

function undecodable(check: TypeCheck<TSchema>, value: unknown, below = ''): Decoded {
  const error = check.Errors(value).First();
  return {
    kind: 'undecodable',
    reason: `The message is not an event: ${below}${error?.path ?? ''}: ${error?.message}`,
  };
}
