/** Scripts without spaces between words. */
const unspaced =
  /[\u0e00-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\u{20000}-\u{3ffff}]/u;

/** Whether a searched word belongs to a script without spaces between words. */
export function isUnspaced(word: string): boolean {
  return unspaced.test(word);
}

/** Trigrams, by which words are found, need three letters in a row. */
export function isShort(word: string): boolean {
  return [...word].length < 3;
}

/**
 * The pattern, for `like`, of the folded names that have a word. A word of one or two letters matches only the
 * beginning of a word, unless its script writes without spaces. Folded words contain no signs, so there is nothing to
 * escape.
 */
export function patternOf(word: string): string {
  return isShort(word) && !isUnspaced(word) ? `% ${word}%` : `%${word}%`;
}
