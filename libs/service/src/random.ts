import { randomFillSync } from 'node:crypto';

// A call of its own for each id took a sixth of command-api's time: the system is asked for many bytes at once.
const pool = Buffer.alloc(8192);
let used = pool.length;

/** Cryptographically random bytes, at most a few dozen at a time; to be used at once, for the memory is used again. */
export function pooledRandomBytes(count: number): Buffer {
  if (used + count > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += count;
  return pool.subarray(used - count, used);
}
