/** A JSON Schema. */
export type Schema = Readonly<Record<string, unknown>>;

/**
 * A group of readers for whom a schema change breaks events.
 * - `earlier`: readers released before the change, when they read an event written after it.
 * - `later`: readers released with the change, when they read an event stored before it.
 */
export interface Breakage {
  reader: 'earlier' | 'later';
  sentence: string;
}

// query-worker checks events as they arrive and, in a rebuild, the whole log. command-api folds stored events unchecked, so
// only missing members affect it.
const earlierConsumers = 'consumers that were released before (query-worker until it is updated, other services)';
const laterConsumers = 'consumers released from now on (query-worker in a rebuild)';

/** A place in an event, in words. */
const place = (path: string) => (path === '' ? 'the whole' : `\`${path}\``);

export function removed(path: string, wasRequired: boolean): Breakage {
  const consumers = 'consumers that were released with it (query-worker)';
  const effect = wasRequired ? 'require it, and park every new event' : 'no longer receive it';
  return { reader: 'earlier', sentence: `${place(path)} was removed: ${consumers} ${effect}` };
}

/** Events stored without the member violate the schema. */
export function required(path: string, how: 'is new and required' | 'is now required'): Breakage {
  const consumers = 'consumers released from now on (query-worker in a rebuild, command-api when it loads a product)';
  return {
    reader: 'later',
    sentence: `${place(path)} ${how}: events stored without it stay without it, and ${consumers} cannot use them`,
  };
}

/** Producers write more than earlier readers accept. */
export function widened(path: string, how: string): Breakage {
  return {
    reader: 'earlier',
    sentence: `${place(path)} was widened (${how}): ${earlierConsumers} park events that use it`,
  };
}

/** Readers accept less than was written. */
export function narrowed(path: string, how: string): Breakage {
  return {
    reader: 'later',
    sentence: `${place(path)} was narrowed (${how}): ${laterConsumers} park events stored before`,
  };
}
