import type { Codec, ProductChange, ProductEvent } from '@catalogue/contracts';
import type { RecordedEvent } from '@catalogue/event-store';
import type { OutgoingMessage } from '@catalogue/kafka';

/** The origin of an event, as command-api stores it. */
interface Metadata {
  requestId?: string;
  traceparent?: string;
  causationId?: string;
}

/**
 * Makes an event's message. The key is the product id, so that a product's events stay in one partition and in order. The headers
 * repeat the attributes, as in the Kafka binding of CloudEvents 1.0 (binary mode).
 */
export function messageOf(recorded: RecordedEvent, codec: Codec): OutgoingMessage {
  const { requestId, traceparent, causationId } = recorded.metadata as Metadata;
  const event: ProductEvent = {
    id: recorded.id,
    ...({ type: recorded.type, payload: recorded.payload } as ProductChange),
    schemaVersion: recorded.schemaVersion,
    productVersion: recorded.version,
    timestamp: recorded.recordedAt.toISOString(),
    ...(requestId === undefined ? {} : { correlationId: requestId }),
    ...(causationId === undefined ? {} : { causationId }),
  };
  return {
    key: recorded.stream,
    value: codec.encode(event),
    headers: {
      ce_specversion: '1.0',
      ce_id: event.id,
      ce_type: event.type,
      ce_source: 'urn:catalogue:products',
      ce_subject: recorded.stream,
      ce_time: event.timestamp,
      'content-type': codec.contentType,
      ...(traceparent === undefined ? {} : { traceparent }),
    },
  };
}
