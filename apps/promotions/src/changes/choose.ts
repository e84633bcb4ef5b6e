import type { Touched } from '../tables/changed.ts';

/** What clients know of a promotion. */
export interface Known {
  version: number;
  tag: string;
  /** When it was read, on the database's clock. */
  readAt: number;
}

/**
 * Which promotions to read: changed ones in the order of their changes, then those at work, the one first that was read
 * the longest ago. Pure.
 * @returns `isAll`: every changed one is among them.
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
