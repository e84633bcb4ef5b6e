import type { Receipt } from './product.ts';

/** The most tokens that query-api takes with one query. */
export const maxTokens = 20;
/** How long queries go on sending the token of a write that was shown: the next query may reach a replica that is behind. */
const repeatedForMs = 60_000;

/**
 * The writes that this client’s reads have to include: the newest of each product, which includes the earlier ones. Writes of
 * different products do not include one another. Remembers the writes of at most `maxProducts` products.
 */
export class WrittenTokens {
  /** Writes that no query has shown yet, oldest first. */
  readonly #unseen = new Map<string, Receipt>();
  /** Writes that a query has shown, in the order in which queries showed them. */
  readonly #seen = new Map<string, { receipt: Receipt; shownAt: number }>();
  readonly #now: () => number;
  readonly #maxProducts: number;

  constructor({ now = Date.now, maxProducts = 10_000 } = {}) {
    this.#now = now;
    this.#maxProducts = maxProducts;
  }

  /** Adds a write. Returns the write that it displaces, if no query has shown that one. */
  add(receipt: Receipt): Receipt | undefined {
    const { id, version } = receipt;
    const known = this.#unseen.get(id) ?? this.#seen.get(id)?.receipt;
    if (known !== undefined && known.version > version) return undefined;
    // Deleted first, so that the write goes to the end.
    this.#unseen.delete(id);
    this.#seen.delete(id);
    this.#unseen.set(id, receipt);
    return this.#makeRoom();
  }

  /** The write that a query of this product has to include. */
  of(id: string): Receipt[] {
    const receipt = this.#unseen.get(id) ?? this.#seen.get(id)?.receipt;
    return receipt === undefined ? [] : [receipt];
  }

  /** The writes that no query has shown yet, oldest first. */
  unseen(): Receipt[] {
    return [...this.#unseen.values()];
  }

  /** The given writes without those that other queries have meanwhile shown or found parked. */
  stillUnseen(receipts: readonly Receipt[]): Receipt[] {
    return receipts.filter(({ id }) => this.#unseen.has(id));
  }

  /** The writes that a query of a list has to include: the unseen ones, filled up with the newest of the seen ones. */
  withSeen(unseen: readonly Receipt[]): Receipt[] {
    this.#forgetOld();
    const seen = [...this.#seen.values()].slice(-maxTokens).map(({ receipt }) => receipt);
    return [...unseen, ...seen.toReversed()].slice(0, maxTokens);
  }

  /** Records that a query has shown these writes. */
  shown(receipts: readonly Receipt[]): void {
    const shownAt = this.#now();
    for (const receipt of receipts) {
      // The product was written again: the newer write is not shown yet.
      if (this.#unseen.get(receipt.id)?.token !== receipt.token) continue;
      this.#unseen.delete(receipt.id);
      this.#seen.set(receipt.id, { receipt, shownAt });
    }
  }

  /** Stops waiting for a write. */
  drop({ id, token }: Receipt): void {
    if (this.#unseen.get(id)?.token === token) this.#unseen.delete(id);
    if (this.#seen.get(id)?.receipt.token === token) this.#seen.delete(id);
  }

  #forgetOld(): void {
    const before = this.#now() - repeatedForMs;
    for (const [id, { shownAt }] of this.#seen) {
      if (shownAt >= before) return;
      this.#seen.delete(id);
    }
  }

  #makeRoom(): Receipt | undefined {
    this.#forgetOld();
    if (this.#unseen.size + this.#seen.size <= this.#maxProducts) return undefined;
    const [oldest] = this.#seen.keys();
    if (oldest !== undefined) {
      this.#seen.delete(oldest);
      return undefined;
    }
    const [forgotten] = this.#unseen.values();
    if (forgotten !== undefined) this.#unseen.delete(forgotten.id);
    return forgotten;
  }
}
