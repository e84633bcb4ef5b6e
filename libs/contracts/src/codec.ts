import './formats.ts';
import type { TSchema } from '@sinclair/typebox';
import { type TypeCheck, TypeCompiler } from '@sinclair/typebox/compiler';
import { Envelope, LegacyEnvelope, type ProductEvent } from './envelope.ts';
import { type ProductEventType, productEvents } from './product-events.ts';

/**
 * What a message turned out to be.
 * - `event`: an event this version of the code knows.
 * - `unknown-type`: a well-formed event of a type that came later; it changes nothing but the product's version.
 * - `newer-schema`: a known type in a form that came later; it must not be guessed at.
 * - `legacy`: a message of an older producer, without versions.
 * - `undecodable`: nothing of the kind; `reason` says why in one sentence.
 */
export type Decoded =
  | { kind: 'event'; event: ProductEvent }
  | { kind: 'unknown-type'; event: Envelope }
  | { kind: 'newer-schema'; event: Envelope }
  | { kind: 'legacy'; event: LegacyEnvelope }
  | { kind: 'undecodable'; reason: string };

/** How events are written to bytes and read back. JSON is the first; another form is another codec. */
export interface Codec {
  readonly contentType: string;
  encode(event: ProductEvent): Buffer;
  /** Never throws: what cannot be read is `undecodable`. */
  decode(value: Uint8Array | null): Decoded;
}

const envelope = TypeCompiler.Compile(Envelope);
const legacyEnvelope = TypeCompiler.Compile(LegacyEnvelope);
const payloads = Object.fromEntries(
  Object.entries(productEvents).map(([type, { payload }]) => [type, TypeCompiler.Compile<TSchema>(payload)]),
) as Record<ProductEventType, TypeCheck<TSchema>>;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Events as JSON text, checked by the same schemas as the HTTP bodies they come from. */
export const jsonCodec: Codec = {
  contentType: 'application/json',
  encode: (event) => Buffer.from(JSON.stringify(event)),
  decode: (value) => {
    if (value === null) return { kind: 'undecodable', reason: 'The message has no value' };
    let parsed: unknown;
    try {
      parsed = JSON.parse(utf8.decode(value));
    } catch (error) {
      return { kind: 'undecodable', reason: `The message is not JSON: ${(error as Error).message}` };
    }
    return classify(parsed);
  },
};

function classify(value: unknown): Decoded {
  if (isUnversioned(value)) {
    return legacyEnvelope.Check(value) ? { kind: 'legacy', event: value } : undecodable(legacyEnvelope, value);
  }
  if (!envelope.Check(value)) return undecodable(envelope, value);
  if (!isKnownType(value.type)) return { kind: 'unknown-type', event: value };
  if (value.schemaVersion > productEvents[value.type].schemaVersion) return { kind: 'newer-schema', event: value };
  if (!payloads[value.type].Check(value.payload)) return undecodable(payloads[value.type], value.payload, '/payload');
  return { kind: 'event', event: value as ProductEvent };
}

function isUnversioned(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !('productVersion' in value) && !('schemaVersion' in value);
}

function isKnownType(type: string): type is ProductEventType {
  return Object.hasOwn(productEvents, type);
}

function undecodable(check: TypeCheck<TSchema>, value: unknown, below = ''): Decoded {
  const error = check.Errors(value).First();
  return { kind: 'undecodable', reason: `The message is no event: ${below}${error?.path ?? ''}: ${error?.message}` };
}
