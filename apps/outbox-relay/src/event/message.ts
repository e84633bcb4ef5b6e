import type { Codec, ProductEvent, PromotionEvent } from '@catalogue/contracts';
import type { RecordedEvent } from '@catalogue/event-store';
import type { OutgoingMessage } from '@catalogue/kafka';
import type { SchemaHeaders } from '@catalogue/registry';
import type { EventKind } from './kind.ts';

/** The origin of an event, as the service that decided it stores it. */
interface Metadata {
  requestId?: string;
  traceparent?: string;
  causationId?: string;
}

/**
 * Makes an event's message. The key is the stream, the id of a product or promotion, so that its events stay in one
 * partition and in order. The headers repeat the attributes, as in the Kafka binding of CloudEvents 1.0 (binary mode).
 * `schemaHeaders` name the schema in the registry, if they are known and the value does not name it.
 */
export function messageOf(
  recorded: RecordedEvent,
  kind: EventKind,
  codec: Codec,
  schemaHeaders?: SchemaHeaders,
): OutgoingMessage {
  const { requestId, traceparent, causationId } = recorded.metadata as Metadata;
  const event = {
    id: recorded.id,
    type: recorded.type,
    payload: recorded.payload,
    schemaVersion: recorded.schemaVersion,
    [kind.versionMember]: recorded.version,
    timestamp: recorded.recordedAt.toISOString(),
    ...(requestId === undefined ? {} : { correlationId: requestId }),
    ...(causationId === undefined ? {} : { causationId }),
  } as ProductEvent | PromotionEvent;
  return {
    key: recorded.stream,
    value: codec.encode(event),
    headers: {
      ce_specversion: '1.0',
      ce_id: event.id,
      ce_type: event.type,
      ce_source: kind.source,
      ce_subject: recorded.stream,
      ce_time: event.timestamp,
      'content-type': codec.contentType,
      ...(traceparent === undefined ? {} : { traceparent }),
      ...schemaHeaders,
    },
  };
}
