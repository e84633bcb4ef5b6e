import type { Cursor, Since } from '@catalogue/event-store';

/** Which part of the log is meant: all of it since an event, what follows a place, or one product. */
export type From = { since: Since } | { after: Cursor } | { product: string };

const uuid = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i;
const time = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;

/**
 * Reads `4711` (a position), `812:4711` (after a place, as an earlier run told it), a product's id, or a time (RFC 3339, or a
 * day, which begins in UTC). Undefined when it is none of these.
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

/** As `parseFrom` reads it. */
export const placeText = ({ transactionId, position }: Cursor) => `${transactionId}:${position}`;
