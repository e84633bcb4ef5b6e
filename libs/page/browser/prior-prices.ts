import type { Catalogue, PriorPrice, Product } from '@catalogue/client';
import { formatPrice } from './price.ts';

/** Products that one request asks for: as many as price-history takes. */
const atOnce = 100;
/** More answers than a list shows are forgotten. */
const maxKept = 2_000;

type Asked = Pick<Catalogue, 'priorPrices'>;

/** The prior prices of the products that a list shows, asked for once for each version. Without price-history it knows none. */
export class PriorPrices {
  readonly #catalogue: Asked | undefined;
  readonly #changed: () => void;
  readonly #known = new Map<string, { version: number; prior: PriorPrice | undefined }>();
  #isAsking = false;
  #wanted: readonly Product[] = [];

  /** @param changed called when the answer about a product may have changed. */
  constructor(catalogue: Asked | undefined, changed: () => void) {
    this.#catalogue = catalogue;
    this.#changed = changed;
  }

  /** The answer about this version of a product; undefined while there is none. */
  of({ id, version }: Product): PriorPrice | undefined {
    const known = this.#known.get(id);
    return known?.version === version ? known.prior : undefined;
  }

  /** Asks for the products that are not known yet, one request at a time. */
  want(products: readonly Product[]): void {
    this.#wanted = products;
    if (this.#catalogue !== undefined && !this.#isAsking) void this.#ask(this.#catalogue);
  }

  async #ask(catalogue: Asked): Promise<void> {
    this.#isAsking = true;
    try {
      for (let missing = this.#missing(); missing.length > 0; missing = this.#missing()) {
        const found = await catalogue.priorPrices(missing.map(({ id }) => id));
        const byId = new Map(found.map((prior) => [prior.id, prior]));
        if (this.#known.size > maxKept) this.#known.clear();
        for (const { id, version } of missing) this.#known.set(id, { version, prior: byId.get(id) });
        this.#changed();
      }
    } catch {
      // The page works without prices: the next list asks again.
    }
    this.#isAsking = false;
  }

  #missing(): Product[] {
    return this.#wanted.filter(({ id, version }) => this.#known.get(id)?.version !== version).slice(0, atOnce);
  }
}

/** What a trader indicates with a reduced price; empty for a price that is not reduced. */
export function indication(prior: PriorPrice | undefined, locale: string): string {
  if (prior === undefined || !prior.isReduction || prior.prior === null) return '';
  return `lowest price of the last ${prior.rule.windowDays} days: ${formatPrice(prior.prior, locale)}`;
}
