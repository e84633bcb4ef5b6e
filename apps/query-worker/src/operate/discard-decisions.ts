import { lastingPlaceOf, type ParkedMessage } from '../projection/parked-message.ts';
import type { Product } from '../projection/product.ts';
import type { Discard } from '../projection/project-event.ts';
import { RefusedError } from './refused.ts';

/** A piece of what waits of one product in one generation: all of it, where that is little. */
export interface Piece {
  product: Product;
  /** Messages that could not be read, filed under its id. */
  unread: readonly ParkedMessage[];
  /** True when no more of those are to come, and the events that wait are looked at. */
  isLast: boolean;
  /** The first event that waits, of the last piece. */
  first: ParkedMessage | undefined;
  /** Looks for an event that waits. */
  find: (eventId: string) => Promise<ParkedMessage | undefined>;
}

/** What an operator does without, of a piece; `released` waits no more, though nothing comes before it. */
export interface Decision {
  discards: Discard[];
  released?: ParkedMessage;
}

export type Decide = (piece: Piece) => Promise<Decision> | Decision;

/** Events that can be missing before one whose version is to be believed. */
const maxMissing = 1_000;

/** Does without one event, where it waits: a generation may not have come to it yet, or be past it. */
export function only(eventId: string): Decide {
  return async ({ isLast, find }) => {
    const found = isLast ? await find(eventId) : undefined;
    if (found === undefined) return { discards: [] };
    return { discards: [{ version: found.version ?? 0, eventId }], released: found };
  };
}

/** Does without what all of a product's events wait for. */
export function standingInTheWay({ product: { id, version }, unread, first }: Piece): Decision {
  const places = unread.map((it) => ({ version: 0, eventId: lastingPlaceOf(it) }));
  if (first === undefined) return { discards: places };
  const next = first.version ?? 0;
  if (next <= version) return { discards: [...places, { version: next, eventId: first.eventId ?? '' }] };
  if (next - version - 1 > maxMissing) {
    throw new RefusedError(
      `${next - version - 1} events are missing before event ${first.eventId} of product ${id} at version ${next}: if that ` +
        `version is an error, do without that event alone (--event ${first.eventId})`,
    );
  }
  const missing = Array.from({ length: next - version - 1 }, (_, index) => version + 1 + index);
  const skipped = missing.length > 0 ? missing : [next];
  return { discards: [...places, ...skipped.map((it) => ({ version: it, eventId: '' }))] };
}

export function inWords({ version, eventId }: Discard): string {
  if (version === 0) return `the message that cannot be read at ${eventId}`;
  return eventId === '' ? `version ${version}` : `event ${eventId} of version ${version}`;
}
