import { pooledRandomBytes } from '@catalogue/service';
import { v7 } from 'uuid';

/** A UUIDv7: sorts by the time it was made, to the millisecond. */
export function newId(): string {
  // uuid would ask the system for 16 bytes each time.
  return v7({ random: pooledRandomBytes(16) });
}
