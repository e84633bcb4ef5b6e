import type { Catalogue, PriorPrice, Product } from '@catalogue/client';
import { isolated } from './elements.ts';
import { formatPrice } from './price.ts';

/** Products that one request asks for: as many as price-history takes. */
const atOnce = 100;
/** Milliseconds before products are asked for again of which price-history did not know the newest change. */
const pauseMs = 500;
const maxRepeats = 20;
/** More answers than a list shows are forgotten. */
const maxKept = 2_000;

type Asked = Pick<Catalogue, 'priorPrices'>;

/** The prior prices of the products that a list shows, asked for once for each version. Without price-history it knows none. */
export class PriorPrices {
  readonly #catalogue: Asked | undefined;
  readonly #changed: () => void;
  readonly #known = new Map<string, { version: number; prior: PriorPrice | undefined }>();
  readonly #pause: () => Promise<unknown>;
  #isAsking = false;
  #wanted: readonly Product[] = [];

  /** @param changed called when the answer about a product may have changed. */
  constructor(catalogue: Asked | undefined, changed: () => void, pause = () => pauseOf(pauseMs)) {
    this.#catalogue = catalogue;
    this.#changed = changed;
    this.#pause = pause;
  }

  /** The prior price of a product at this version or a later one; undefined until it is known. */
  of({ id, version }: Product): PriorPrice | undefined {
    const known = this.#known.get(id);
    return known !== undefined && known.version >= version ? known.prior : undefined;
  }

  /** Asks for the products that are not known yet, one request at a time. */
  want(products: readonly Product[]): void {
    this.#wanted = products;
    if (this.#catalogue !== undefined && !this.#isAsking) void this.#ask(this.#catalogue);
  }

  async #ask(catalogue: Asked): Promise<void> {
    this.#isAsking = true;
    try {
      let repeats = 0;
      for (let missing = this.#missing(); missing.length > 0 && repeats < maxRepeats; missing = this.#missing()) {
        const found = await catalogue.priorPrices(missing.map(({ id }) => id));
        const byId = new Map(found.map((prior) => [prior.id, prior]));
        if (this.#known.size > maxKept) this.#known.clear();
        for (const { id } of missing) {
          const prior = byId.get(id);
          if (prior !== undefined) this.#known.set(id, { version: prior.version, prior });
        }
        this.#changed();
        const isBehind = missing.some(({ id, version }) => (byId.get(id)?.version ?? -1) < version);
        repeats = isBehind ? repeats + 1 : 0;
        if (isBehind) await this.#pause();
      }
    } catch {
      // The page works without prices: the next list asks again.
    }
    this.#isAsking = false;
  }

  /** Skips ids with a comma (messages of older producers can have one): commas separate the ids of a request. */
  #missing(): Product[] {
    const isMissing = ({ id, version }: Product) => !id.includes(',') && (this.#known.get(id)?.version ?? -1) < version;
    return this.#wanted.filter(isMissing).slice(0, atOnce);
  }
}

/** What a trader indicates with a reduced price; empty for a price that is not reduced. */
export function indication(prior: PriorPrice | undefined, locale: string): string {
  if (prior === undefined || !prior.isReduction || prior.prior === null) return '';
  return `lowest price of the last ${prior.rule.windowDays} days: ${formatPrice(prior.prior, locale)}`;
}

/** Which promotion set a price, for the user; empty if none did. */
export function saySource(
  { promotion }: Pick<PriorPrice, 'promotion'>,
  nameOf: (id: string) => string | undefined,
): string {
  return promotion === null ? '' : `Price of the promotion ${isolated(nameOf(promotion) ?? promotion)}`;
}

function pauseOf(milliseconds: number): Promise<unknown> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
