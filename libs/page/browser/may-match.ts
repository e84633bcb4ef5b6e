/** query-api searches for this many words at most. */
const maxWords = 10;
/** Scripts without spaces between words: the page cannot tell where a word begins or ends. */
const unspaced =
  /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Bopo}\p{sc=Hang}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}]/u;

/**
 * Whether query-api’s search may find a name: false only if it cannot. The search folds both, and looks for each word
 * anywhere in the name, with as many faults as query-api’s `misspellings.ts` forgives. True where the page may fold
 * differently.
 */
export function mayMatch(query: string, name: string): boolean {
  const [wanted, text] = [fold(query), fold(name)];
  if (wanted === undefined || text === undefined) return true;
  const words = wanted.split(' ').filter((word) => word !== '');
  const letters = [...text];
  // A text of signs only has no words: query-api searches it in another way.
  return words.slice(0, maxWords).every((word) => isNear(word, letters));
}

/**
 * Folds case, accents and signs, more coarsely than the read model’s `fold_name`, so that texts that are equal there
 * are equal here. Undefined where that is not certain: `unaccent` spells out letters and signs beyond ASCII (ß, ©), and
 * marks separate words.
 */
function fold(text: string): string | undefined {
  const composed = text.normalize('NFKC').toLowerCase().normalize('NFKC');
  if (/\p{M}/u.test(composed)) return undefined;
  const bare = composed.normalize('NFD').replaceAll(/\p{M}/gu, '').normalize('NFC');
  if (/(?!\p{ASCII})[\p{sc=Latn}\p{sc=Zyyy}\p{sc=Zinh}]/u.test(bare)) return undefined;
  return bare.replaceAll('ς', 'σ').replaceAll(/[^\p{L}\p{Nd}]+/gu, ' ');
}

function isNear(word: string, text: readonly string[]): boolean {
  const letters = [...word];
  if (unspaced.test(word)) return letters.some((letter) => text.includes(letter));
  return fewestFaults(letters, text) <= forgivenFaults(word);
}

/** Short words and words with digits have to match exactly. */
function forgivenFaults(word: string): number {
  if (word.length < 3 || /\p{N}/u.test(word)) return 0;
  return word.length > 5 ? 2 : 1;
}

/** The fewest wrong, missing, extra or swapped letters, over all parts of the text. */
function fewestFaults(word: readonly string[], text: readonly string[]): number {
  let before: number[] = [];
  let last = Array.from({ length: text.length + 1 }, () => 0);
  for (let i = 1; i <= word.length; i++) {
    const row = [i];
    for (let j = 1; j <= text.length; j++) {
      const wrong = at(last, j - 1) + (word[i - 1] === text[j - 1] ? 0 : 1);
      const isSwapped = i > 1 && j > 1 && word[i - 1] === text[j - 2] && word[i - 2] === text[j - 1];
      const swapped = isSwapped ? at(before, j - 2) + 1 : Number.POSITIVE_INFINITY;
      row.push(Math.min(wrong, at(last, j) + 1, at(row, j - 1) + 1, swapped));
    }
    before = last;
    last = row;
  }
  return Math.min(...last);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
