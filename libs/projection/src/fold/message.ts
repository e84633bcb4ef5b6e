import { type Codec, jsonCodec } from '@catalogue/contracts';
import type { IncomingMessage } from '@catalogue/kafka';
import type { ParkedMessage } from './parked-message.ts';
import type { ProductMessage } from './project-event.ts';
import { storable } from './storable.ts';

type Origin = Pick<IncomingMessage, 'partition' | 'offset' | 'key' | 'value' | 'headers'> &
  Pick<ParkedMessage, 'topic' | 'topicId'>;

/** In UTF-16 units. An entry of an index has at most 2 704 bytes. */
const maxKeyLength = 500;

/** The key that a message without a readable product is filed under. */
export const keyOf = ({ key }: Pick<IncomingMessage, 'key'>) => storable(String(key ?? '').slice(0, maxKeyLength));

/** A message about a product. */
export type Readable = { origin: Origin; productId: string } & ProductMessage;

/** A message that cannot be read, or must not be. */
export interface Unreadable {
  origin: Origin;
  unread: { reason: 'unreadable' | 'crash'; detail: string };
}

/** A message of a batch. */
export type Read = Readable | Unreadable;

/** Reads the messages of one partition. */
export function read(messages: readonly Origin[], codec: Codec = jsonCodec): Read[] {
  return messages.map((origin) => {
    const { partition, offset, value } = origin;
    const decoded = codec.decode(value);
    if (decoded.kind === 'undecodable') return { origin, unread: { reason: 'unreadable', detail: decoded.reason } };
    return { origin, partition, offset, decoded, productId: storable(decoded.event.payload.id) };
  });
}

/** A message with a value that PostgreSQL refuses. */
export function unstorable(origin: Origin, refusal: Error): Unreadable {
  return {
    origin,
    unread: { reason: 'unreadable', detail: `PostgreSQL refuses a value of the message: ${refusal.message}` },
  };
}

/** The origin to store for a readable message. Avro is stored as JSON, so that it can be read without a schema registry. */
export function keptOrigin({ origin, decoded }: Readable): Origin {
  return origin.value?.[0] === 0 ? { ...origin, value: Buffer.from(JSON.stringify(decoded.event)) } : origin;
}

/** A message that has to wait. */
export function parkedMessage(
  { topic, partition, offset, key = null, value, headers }: Origin,
  about: Pick<ParkedMessage, 'reason' | 'detail'> & Partial<ParkedMessage>,
): ParkedMessage {
  const traceparent = headers?.find((header) => 'traceparent' in header)?.['traceparent'];
  return {
    ...(topic === undefined ? {} : { topic }),
    partition,
    offset,
    value,
    traceparent: traceparent === undefined ? null : storable(String(traceparent)),
    productId: keyOf({ key }),
    version: null,
    eventId: null,
    type: null,
    ...about,
    detail: storable(about.detail),
  };
}
