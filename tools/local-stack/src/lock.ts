import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

/** Somebody holds the lock. */
export class LockHeld extends Error {
  constructor(path: string) {
    super(`${path} is held already`);
  }
}

// SQLite's own errcode, of which Node's error has no name.
const sqliteBusy = 5;

/**
 * Takes the lock or throws `LockHeld`; returns what gives it back. It is the lock of an empty SQLite database, thus the
 * system's: however its holder ends, it is free, and there is no stale one to tell from a live one.
 */
export function takeLock(path: string): () => void {
  const database = new DatabaseSync(path);
  try {
    database.exec('pragma journal_mode = memory; begin exclusive');
  } catch (error) {
    database.close();
    if ((error as { errcode?: number }).errcode === sqliteBusy) throw new LockHeld(path);
    throw error;
  }
  return () => database.close();
}

/** Takes the lock, waiting for as long as another process holds it. */
export async function waitForLock(path: string): Promise<() => void> {
  for (;;) {
    try {
      return takeLock(path);
    } catch (error) {
      if (!(error instanceof LockHeld)) throw error;
      await delay(100);
    }
  }
}
