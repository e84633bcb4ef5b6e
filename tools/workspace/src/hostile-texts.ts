/**
 * Texts of about this length that make a pattern with nested or adjacent repetitions backtrack: each character that the pattern
 * names, each adjacent pair, and all of them, repeated, and then a character that does not match.
 */
export function hostileTexts(source: string, length: number): string[] {
  const named = [...source.replaceAll(/\\[a-zA-Z]|[\\()[\]{}|^$?+]/g, '')];
  const pairs = named.map((character, i) => character + (named[i + 1] ?? ''));
  const words = new Set([...named, ...pairs, named.join(''), ...kinds].filter((word) => word !== ''));
  return [...words].map((word) => `${word.repeat(Math.ceil(length / word.length))}\u0000`);
}

/** One character of each class, such as `\d`, `\s` and `\w`. */
const kinds = ['0', ' ', 'a', 'é', '\n', '\t'];
