import type { Receipt } from './product.ts';

/** Tokens that query-api takes with one query. */
export const maxTokens = 20;
/** Once shown, a write is asked for as long as this again: the next query may meet a replica that is behind. */
const repeatedForMs = 60_000;

/**
 * What this client wrote and its reads have to include: of each product the newest write, for it includes the earlier ones. Writes of
 * different products do not include one another. So many products at most are remembered.
 */
export class WrittenTokens {
  /** Those that no query has shown yet, in the order of their writing. */
  readonly #unseen = new Map<string, Receipt>();
  /** In the order in which queries first included them. */
  readonly #seen = new Map<string, { receipt: Receipt; shownAt: number }>();
  readonly #now: () => number;
  readonly #maxProducts: number;

  constructor({ now = Date.now, maxProducts = 10_000 } = {}) {
    this.#now = now;
    this.#maxProducts = maxProducts;
  }

  /** The write that is no longer remembered for it, if no query has shown that. */
  add(receipt: Receipt): Receipt | undefined {
    const { id, version } = receipt;
    const known = this.#unseen.get(id) ?? this.#seen.get(id)?.receipt;
    if (known !== undefined && known.version > version) return undefined;
    // Taken out first: the newest are at the end.
    this.#unseen.delete(id);
    this.#seen.delete(id);
    this.#unseen.set(id, receipt);
    return this.#makeRoom();
  }

  /** For a query about one product. */
  of(id: string): Receipt[] {
    const receipt = this.#unseen.get(id) ?? this.#seen.get(id)?.receipt;
    return receipt === undefined ? [] : [receipt];
  }

  /** The writes that no query has shown yet, oldest first. */
  unseen(): Receipt[] {
    return [...this.#unseen.values()];
  }

  /** Those of the writes that are still to be waited for: other queries may have shown some, or found them parked. */
  stillUnseen(receipts: readonly Receipt[]): Receipt[] {
    return receipts.filter(({ id }) => this.#unseen.has(id));
  }

  /** For a query about all products: the unseen writes, and as many as a query takes besides of the newest seen lately. */
  withSeen(unseen: readonly Receipt[]): Receipt[] {
    this.#forgetOld();
    const seen = [...this.#seen.values()].slice(-maxTokens).map(({ receipt }) => receipt);
    return [...unseen, ...seen.toReversed()].slice(0, maxTokens);
  }

  /** A query with these tokens was answered. */
  shown(receipts: readonly Receipt[]): void {
    const shownAt = this.#now();
    for (const receipt of receipts) {
      // Written again meanwhile, the product is not shown yet.
      if (this.#unseen.get(receipt.id)?.token !== receipt.token) continue;
      this.#unseen.delete(receipt.id);
      this.#seen.set(receipt.id, { receipt, shownAt });
    }
  }

  /** The write cannot be waited for any longer. */
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
