import { join } from 'node:path';
import { LockHeld, takeLock } from './lock.ts';

/** Locks the stack of this checkout for this process, or throws one line; returns the function that releases it. */
export function lockStack(home: string): () => void {
  try {
    return takeLock(join(home, 'stack.lock'));
  } catch (error) {
    if (!(error instanceof LockHeld)) throw error;
    throw new Error('The stack of this checkout is running already: stop it first (Ctrl-C where npm start runs)', {
      cause: error,
    });
  }
}
