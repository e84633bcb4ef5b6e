import type { Catalogue } from '@catalogue/client';
import { find, setText } from './elements.ts';
import { formatPrice } from './price.ts';
import { indication } from './prior-prices.ts';

/** The price line of the product in the dialog, if there is a service that keeps it. */
export class PriceLine {
  readonly #catalogue: Catalogue;
  readonly #address: string;
  readonly #locale: string;
  readonly #section = find('price-line', HTMLElement);
  readonly #picture = find('price-picture', HTMLImageElement);
  readonly #prior = find('prior-price', HTMLElement);
  #reading = new AbortController();

  /** @param address of price-history; empty without it. */
  constructor(catalogue: Catalogue, address: string, locale: string) {
    this.#catalogue = catalogue;
    this.#address = address;
    this.#locale = locale;
    this.#picture.addEventListener('load', () => (this.#section.hidden = false));
  }

  /** Shows the price line of a product; clears it if undefined. */
  show(id: string | undefined): void {
    this.#reading.abort();
    this.#reading = new AbortController();
    this.#section.hidden = true;
    this.#picture.removeAttribute('src');
    setText(this.#prior, '');
    if (id !== undefined && this.#address !== '') void this.#read(id, this.#reading.signal);
  }

  async #read(id: string, signal: AbortSignal): Promise<void> {
    try {
      // First, because it waits until price-history has this client's writes.
      const prior = await this.#catalogue.priorPrice(id, {}, { signal });
      setText(this.#prior, indication(prior, this.#locale));
      const price = prior.price === null ? 'none' : formatPrice(prior.price, this.#locale);
      const lowest = prior.prior === null ? 'none' : formatPrice(prior.prior, this.#locale);
      this.#picture.alt = `Price line. Price: ${price}. Lowest price of the ${prior.rule.windowDays} days before: ${lowest}.`;
      this.#picture.src = `${this.#address}/products/${encodeURIComponent(id)}/prices.svg`;
    } catch {
      // The dialog works without prices.
    }
  }
}
