import type { Transaction } from '@catalogue/postgres';

/** About 10 MB of words. */
const maxKnownWords = 100_000;
const minLength = 3;
const maxLength = 40;

/** Words that this process knows to be stored, so that most names need no write. */
export class KnownWords {
  readonly #known = new Set<string>();

  /** The words of these names that may not be stored yet. */
  unknownIn(names: Iterable<string>): Set<string> {
    const unknown = new Set<string>();
    for (const name of names) {
      for (const word of wordsOf(name)) if (!this.#known.has(word)) unknown.add(word);
    }
    return unknown;
  }

  /** Adds words that are stored and committed. */
  add(words: Iterable<string>): void {
    if (this.#known.size > maxKnownWords) this.#known.clear();
    for (const word of words) this.#known.add(word);
  }
}

/** The words of a name that can be misspelt: those without digits. */
function wordsOf(name: string): string[] {
  return (name.match(/[\p{L}\p{M}\p{N}]+/gu) ?? []).filter(
    (word) => word.length >= minLength && word.length <= maxLength && !/\p{N}/u.test(word),
  );
}

/** Stores words as they are searched for. In order, so that of two transactions with the same new words the later one waits. */
export async function addWords(sql: Transaction, words: ReadonlySet<string>): Promise<void> {
  await sql`
    insert into words (word)
    select distinct word from unnest(${[...words]}::text[]) name, regexp_split_to_table(btrim(fold_name(name)), ' ') word
    where word ~ '^[^0-9]{3,40}$'
    order by word
    on conflict do nothing`;
}
