/**
 * Texts of about so many characters that make a pattern with nested or neighbouring repetitions backtrack: each character that
 * the pattern names, each two that stand beside each other in it, and all of them, over and over, then one that fits nowhere.
 */
export function hostileTexts(source: string, length: number): string[] {
  const named = [...source.replaceAll(/\\[a-zA-Z]|[\\()[\]{}|^$?+]/g, '')];
  const pairs = named.map((character, i) => character + (named[i + 1] ?? ''));
  const words = new Set([...named, ...pairs, named.join(''), ...kinds].filter((word) => word !== ''));
  return [...words].map((word) => `${word.repeat(Math.ceil(length / word.length))}\u0000`);
}

/** One of each kind that classes like `\d`, `\s` and `\w` stand for. */
const kinds = ['0', ' ', 'a', 'é', '\n', '\t'];
