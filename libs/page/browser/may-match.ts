/** query-api looks for so many words of a search. */
const maxWords = 10;
/** Written without spaces: where a word begins and ends, the page does not know. */
const unspaced =
  /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Bopo}\p{sc=Hang}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}]/u;

/**
 * Whether query-api's search may find a name: false only if it cannot. The search folds both, and wants each word somewhere in the
 * name, with as many faults as `misspellings.ts` of query-api forgives. What the page may fold differently is true.
 */
export function mayMatch(query: string, name: string): boolean {
  const [wanted, text] = [fold(query), fold(name)];
  if (wanted === undefined || text === undefined) return true;
  const words = wanted.split(' ').filter((word) => word !== '');
  const letters = [...text];
  // No word is left of signs alone, which are searched in another way.
  return words.slice(0, maxWords).every((word) => isNear(word, letters));
}

/**
 * Without case, accents and signs, and coarser than `fold_name` of the read model, so that what is alike there is alike here. Undefined
 * where that is not certain: `unaccent` spells letters and signs beyond ASCII out (ß, ©), and marks separate words.
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

/** Words that are short or have digits are searched as they are. */
function forgivenFaults(word: string): number {
  if (word.length < 3 || /\p{N}/u.test(word)) return 0;
  return word.length > 5 ? 2 : 1;
}

/** The fewest letters that are wrong, missing, too many or swapped in any part of the text that is taken for the word. */
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
