import { randomFillSync } from 'node:crypto';

// Many bytes per system call: one call for each id took a sixth of command-api's time.
const pool = Buffer.alloc(8192);
let used = pool.length;

/** Cryptographically random bytes, at most a few dozen per call. Use them at once, because the memory is reused. */
export function pooledRandomBytes(count: number): Buffer {
  if (used + count > pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  used += count;
  return pool.subarray(used - count, used);
}
