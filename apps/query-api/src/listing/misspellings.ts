/** How many words may replace a misspelt one. */
const maxAlternatives = 5;

/**
 * The words that `misspelt` may stand for, most likely first: they differ by one wrong, missing, extra or swapped
 * letter, or by two in words of more than five letters. `misspelt` may also be only the beginning of a word.
 */
export function likeliest(misspelt: string, words: readonly string[]): string[] {
  const allowed = misspelt.length > 5 ? 2 : 1;
  return words
    .map((word) => ({ word, ...faults(misspelt, word) }))
    .filter(({ ofBeginning }) => ofBeginning <= allowed)
    .toSorted((a, b) => a.ofBeginning - b.ofBeginning || a.ofWhole - b.ofWhole || (a.word < b.word ? -1 : 1))
    .slice(0, maxAlternatives)
    .map(({ word }) => word);
}

interface Faults {
  ofWhole: number;
  /** The fewest faults, over all beginnings of the word. */
  ofBeginning: number;
}

/** The optimal string alignment distance of a text from a word and from the word's beginnings. */
export function faults(text: string, word: string): Faults {
  const a = [...text];
  const b = [...word];
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const wrong = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swapped = isSwapped ? at(before, j - 2) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(wrong, at(last, j) + 1, at(row, j - 1) + 1, swapped));
    }
    before = last;
    last = row;
  }
  return { ofWhole: at(last, b.length), ofBeginning: Math.min(...last) };
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
