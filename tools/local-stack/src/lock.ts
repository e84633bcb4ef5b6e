import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

/** Another process holds the lock. */
export class LockHeld extends Error {
  constructor(path: string) {
    super(`${path} is held already`);
  }
}

// SQLite's errcode, which Node's error has no name for.
const sqliteBusy = 5;

/**
 * Takes the lock or throws `LockHeld`; returns the function that releases it. The lock is that of an empty SQLite database and
 * therefore the system's: it is free when its holder has ended in any way, so it is never stale.
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

/** Takes the lock, and waits while another process holds it. */
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
