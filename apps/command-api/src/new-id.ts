import { pooledRandomBytes } from '@catalogue/service';
import { v7 } from 'uuid';

/** A UUIDv7: ids sort by the millisecond when they were made. */
export function newId(): string {
  // By default, uuid would make a system call for each id.
  return v7({ random: pooledRandomBytes(16) });
}
