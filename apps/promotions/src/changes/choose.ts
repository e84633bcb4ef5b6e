import type { Touched } from '../tables/changed.ts';

/** The state of a promotion that clients know. */
export interface Known {
  version: number;
  tag: string;
  /** When it was read, on the database's clock, in milliseconds since 1970. */
  readAt: number;
}

/**
 * Chooses the promotions to read: changed ones in the order of their changes, then those whose items change, the one
 * that was read the longest ago first. Pure.
 * @returns `isAll`: all changed promotions are chosen.
 */
export function choose(
  touched: readonly Touched[],
  known: ReadonlyMap<string, Known>,
  limit: number,
): { ids: string[]; isAll: boolean } {
  const isKnown = ({ id, version }: Touched) => known.get(id)?.version === version;
  const changed = touched.filter((each) => !isKnown(each));
  const readAt = ({ id }: Touched) => known.get(id)?.readAt ?? 0;
  const working = touched.filter((each) => each.isWorking && isKnown(each)).toSorted((a, b) => readAt(a) - readAt(b));
  const ids = [...changed, ...working].slice(0, limit).map(({ id }) => id);
  return { ids, isAll: changed.length <= limit };
}
