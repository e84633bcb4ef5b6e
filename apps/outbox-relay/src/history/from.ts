import type { Cursor, Since } from '@catalogue/event-store';

/** A part of the log: all events since one, all events after a place, or the events of one product. */
export type From = { since: Since } | { after: Cursor } | { product: string };

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
const time = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/**
 * Parses `4711` (a position), `812:4711` (a place that an earlier run printed: the events after it), a product's id, or
 * a time (RFC 3339, or a day in UTC). Undefined if the text has none of these forms.
 */
export function parseFrom(text: string): From | undefined {
  if (/^\d{1,15}$/.test(text)) return { since: { position: Number(text) } };
  const [, transactionId, position] = /^(\d{1,15}):(\d{1,15})$/.exec(text) ?? [];
  if (position !== undefined) return { after: { transactionId: Number(transactionId), position: Number(position) } };
  if (uuid.test(text)) return { product: text.toLowerCase() };
  const recordedAt = new Date(text);
  if (time.test(text) && !Number.isNaN(recordedAt.getTime())) return { since: { recordedAt } };
  return undefined;
}

/** The form of a place that `parseFrom` accepts. */
export const placeText = ({ transactionId, position }: Cursor) => `${transactionId}:${position}`;
