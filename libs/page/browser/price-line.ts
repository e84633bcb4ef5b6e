import type { Catalogue } from '@catalogue/client';
import { find, setText } from './elements.ts';
import { formatPrice } from './price.ts';
import { indication, saySource } from './prior-prices.ts';

/** Gets a picture with an access token, which an image does not send. */
export type LoadPicture = (address: string, signal: AbortSignal) => Promise<Blob>;

/** The price line of the product in the dialog, if there is a service that keeps it. */
export class PriceLine {
  readonly #catalogue: Catalogue;
  readonly #address: string;
  readonly #load: LoadPicture | undefined;
  readonly #locale: string;
  readonly #section = find('price-line', HTMLElement);
  readonly #picture = find('price-picture', HTMLImageElement);
  readonly #prior = find('prior-price', HTMLElement);
  readonly #source = find('price-source', HTMLElement);
  readonly #promotionName: (id: string) => string | undefined;
  #reading = new AbortController();

  /**
   * @param address of price-history; empty without it.
   * @param promotionName the name of a promotion; undefined if it is not known.
   * @param load gets the picture, where an image cannot get it by its address.
   */
  constructor(
    catalogue: Catalogue,
    address: string,
    locale: string,
    promotionName: (id: string) => string | undefined,
    load?: LoadPicture,
  ) {
    this.#promotionName = promotionName;
    this.#catalogue = catalogue;
    this.#address = address;
    this.#load = load;
    this.#locale = locale;
    this.#picture.addEventListener('load', () => {
      this.#section.hidden = false;
      URL.revokeObjectURL(this.#picture.src);
    });
  }

  /** Shows the price line of a product; clears it if undefined. */
  show(id: string | undefined): void {
    this.#reading.abort();
    this.#reading = new AbortController();
    this.#section.hidden = true;
    this.#picture.removeAttribute('src');
    setText(this.#prior, '');
    setText(this.#source, '');
    if (id !== undefined && this.#address !== '') void this.#read(id, this.#reading.signal);
  }

  async #read(id: string, signal: AbortSignal): Promise<void> {
    try {
      // First, because it waits until price-history has this client's writes.
      const prior = await this.#catalogue.priorPrice(id, {}, { signal });
      setText(this.#prior, indication(prior, this.#locale));
      setText(this.#source, saySource(prior, this.#promotionName));
      const price = prior.price === null ? 'none' : formatPrice(prior.price, this.#locale);
      const lowest = prior.prior === null ? 'none' : formatPrice(prior.prior, this.#locale);
      this.#picture.alt = `Price line. Price: ${price}. Lowest price of the ${prior.rule.windowDays} days before: ${lowest}.`;
      const address = `${this.#address}/products/${encodeURIComponent(id)}/prices.svg`;
      const source = this.#load === undefined ? address : URL.createObjectURL(await this.#load(address, signal));
      if (!signal.aborted) this.#picture.src = source;
    } catch {
      // The dialog works without prices.
    }
  }
}
