/** Seeds the random choices of a run's tests: `SEED` repeats those of a failed run. The titles of such tests show it. */
export const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000);

/** Choices that a seed decides. */
export interface Random {
  /** From 0 to below 1. */
  (): number;
  /** An integer from `from` to below `to`. */
  int(from: number, to: number): number;
  /** One of the items. */
  of<T>(items: readonly T[]): T;
  /** The items in another order. */
  shuffle<T>(items: readonly T[]): T[];
  uuid(): string;
}

/**
 * The same seed and name give the same choices. Whatever runs at the same time takes a name each: a common row of choices would
 * be dealt out by chance.
 */
export function randomFrom(name: string, from = seed): Random {
  let state = [...name].reduce((hash, letter) => Math.imul(hash ^ letter.charCodeAt(0), 0x01000193), from ^ 0x811c9dc5);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const int = (least: number, below: number) => least + Math.floor(next() * (below - least));
  return Object.assign(next, {
    int,
    of: <T>(items: readonly T[]) => items[int(0, items.length)] as T,
    shuffle: <T>(items: readonly T[]) =>
      items
        .map((item) => [next(), item] as const)
        .toSorted(([a], [b]) => a - b)
        .map(([, item]) => item),
    uuid: () => {
      const digits = Array.from({ length: 32 }, () => int(0, 16).toString(16)).join('');
      return digits.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, '$1-$2-4$3-8$4-$5');
    },
  });
}
