/** A JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>;

/**
 * Someone for whom a changed schema is not what they rely on.
 * - `earlier`: readers that were released before the change, when they meet an event written after it.
 * - `later`: readers that are released with the change, when they meet an event stored before it.
 */
export interface Breakage {
  reader: 'earlier' | 'later';
  sentence: string;
}

// query-worker checks events as they come and, in a rebuild, all of the log. command-api folds stored events unchecked, so
// that it misses what is not there, and nothing else.
const earlierConsumers = 'consumers that were released before (query-worker until it is updated, other services)';
const laterConsumers = 'consumers released from now on (query-worker in a rebuild)';

/** How a place in an event is written in a sentence. */
const place = (path: string) => (path === '' ? 'the whole' : `\`${path}\``);

export function removed(path: string, wasRequired: boolean): Breakage {
  const consumers = 'consumers that were released with it (query-worker)';
  const effect = wasRequired ? 'require it, and park every new event' : 'no longer receive it';
  return { reader: 'earlier', sentence: `${place(path)} was removed: ${consumers} ${effect}` };
}

/** Events that were stored without it are no longer what the schema says. */
export function required(path: string, how: 'is new and required' | 'is now required'): Breakage {
  const consumers = 'consumers released from now on (query-worker in a rebuild, command-api when it loads a product)';
  return {
    reader: 'later',
    sentence: `${place(path)} ${how}: events stored without it stay without it, and ${consumers} cannot use them`,
  };
}

/** More is written than earlier readers take. */
export function widened(path: string, how: string): Breakage {
  return {
    reader: 'earlier',
    sentence: `${place(path)} was widened (${how}): ${earlierConsumers} park events that use it`,
  };
}

/** Less is read than was written. */
export function narrowed(path: string, how: string): Breakage {
  return {
    reader: 'later',
    sentence: `${place(path)} was narrowed (${how}): ${laterConsumers} park events stored before`,
  };
}
