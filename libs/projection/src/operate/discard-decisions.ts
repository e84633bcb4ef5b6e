import type { Tracked } from '../model.ts';
import { lastingPlaceOf, type ParkedMessage } from '../fold/parked-message.ts';
import type { Discard } from '../fold/project-event.ts';
import { RefusedError } from './refused.ts';

/** A piece of a product's queue in one generation, or all of a short one. */
export interface Piece {
  product: Tracked;
  /** Unreadable messages, filed under the product's id. */
  unread: readonly ParkedMessage[];
  isLast: boolean;
  /** The first waiting event; only in the last piece. */
  first: ParkedMessage | undefined;
  /** Finds a parked event by its id. */
  find: (eventId: string) => Promise<ParkedMessage | undefined>;
}

/** What an operator discards of a piece. `released` no longer waits, although its predecessors are missing. */
export interface Decision {
  discards: Discard[];
  released?: ParkedMessage;
}

export type Decide = (piece: Piece) => Promise<Decision> | Decision;

/** The most events that may be missing before an event: with more, its version is implausible. */
const maxMissing = 1_000;

/** Discards one event wherever it waits: a generation may not have reached it yet, or may be past it. */
export function only(eventId: string): Decide {
  return async ({ isLast, find }) => {
    const found = isLast ? await find(eventId) : undefined;
    if (found === undefined) return { discards: [] };
    return { discards: [{ version: found.version ?? 0, eventId }], released: found };
  };
}

/** Discards whatever blocks a product's queue. */
export function discardBlockers({ product: { id, version }, unread, first }: Piece): Decision {
  const places = unread.map((it) => ({ version: 0, eventId: lastingPlaceOf(it) }));
  if (first === undefined) return { discards: places };
  const next = first.version ?? 0;
  if (next <= version) return { discards: [...places, { version: next, eventId: first.eventId ?? '' }] };
  if (next - version - 1 > maxMissing) {
    throw new RefusedError(
      `${next - version - 1} events are missing before event ${first.eventId} of product ${id} at version ${next}: if that ` +
        `version is wrong, discard only that event (--event ${first.eventId})`,
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
