import type { Receipt } from './product.ts';

interface Token {
  text: string;
  version: number;
  /** When a query first included the write; undefined until then. */
  shownAt: number | undefined;
}

/** query-api takes so many at once. */
const most = 20;
/** Once shown, a write is asked for as long as this again: the next query may meet a replica that is behind. */
const repeatedFor = 60_000;

/** What this client wrote and its reads have to include: of each product the newest write. */
export class WrittenTokens {
  readonly #tokens = new Map<string, Token>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  add({ id, version, token }: Receipt): void {
    const known = this.#tokens.get(id);
    if (known !== undefined && known.version > version) return;
    // Taken out first: the newest are at the end.
    this.#tokens.delete(id);
    this.#tokens.set(id, { text: token, version, shownAt: undefined });
  }

  /** For a query about one product. */
  of(id: string): string[] {
    const token = this.#tokens.get(id);
    return token === undefined ? [] : [token.text];
  }

  /** The oldest writes that no query has shown yet, when they are more than one query can take; they are to be asked for first. */
  overdue(): string[] {
    const unseen = [...this.#tokens.values()].filter(({ shownAt }) => shownAt === undefined);
    return unseen.length <= most ? [] : unseen.slice(0, most).map(({ text }) => text);
  }

  /** For a query about all products: the unseen writes, and the newest of those seen lately. */
  all(): string[] {
    this.#forgetOld();
    const tokens = [...this.#tokens.values()];
    const unseen = tokens.filter(({ shownAt }) => shownAt === undefined);
    const seen = tokens.filter(({ shownAt }) => shownAt !== undefined);
    return [...unseen, ...seen.toReversed()].slice(0, most).map(({ text }) => text);
  }

  /** A query with these tokens was answered. */
  shown(texts: readonly string[]): void {
    const now = this.#now();
    for (const token of this.#tokens.values()) if (texts.includes(token.text)) token.shownAt ??= now;
  }

  /** The write cannot be waited for any longer. */
  drop(text: string): void {
    for (const [id, token] of this.#tokens) if (token.text === text) this.#tokens.delete(id);
  }

  #forgetOld(): void {
    const before = this.#now() - repeatedFor;
    for (const [id, { shownAt }] of this.#tokens)
      if (shownAt !== undefined && shownAt < before) this.#tokens.delete(id);
  }
}
