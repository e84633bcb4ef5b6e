import { createHash } from 'node:crypto';
import type { Setting } from '@catalogue/service';

/** The name without `RELAY_NAME`. Never change it, its lock or its cursor: every installation has them in its database. */
export const defaultName = 'outbox-relay';

// An arbitrary number that no other lock in the event store's database uses.
const defaultLock = '7305501211';

/**
 * The relay's name in its database, logs and metrics. Relays of one name elect a leader and share a cursor; relays of
 * different names read the same log independently.
 */
export const relayName: Setting<string> = {
  variable: 'RELAY_NAME',
  example: 'promotions-relay',
  fallback: defaultName,
  parse: (text) => {
    // 40: PostgreSQL cuts the names of sessions, which contain it, after 63 bytes.
    if (!/^[a-z][a-z0-9-]{0,39}$/.test(text)) {
      throw new Error(`must be at most 40 lower-case letters, digits and hyphens, a letter first, not "${text}"`);
    }
    return text;
  },
};

/** The advisory lock, a 64-bit number, that the leader among the relays of one name holds. */
export function lockOf(name: string): string {
  if (name === defaultName) return defaultLock;
  return createHash('sha256').update(`relay ${name}`).digest().readBigInt64BE().toString();
}
