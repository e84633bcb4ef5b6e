import type { ProductQuery, Sort } from '@catalogue/client';
import { find, markField, setText } from './elements.ts';
import { formatPrice, readPrice } from './price.ts';

const columns = ['name', 'price', 'updatedAt'] as const;
const whileTyping = 120;

/** Search, price range and order. Turns the user’s input into a query, and keeps it in the page’s address. */
export class Filter {
  readonly #locale: string;
  readonly #changed: (query: ProductQuery) => void;
  readonly #search = find('search', HTMLInputElement);
  readonly #minPrice = find('min-price', HTMLInputElement);
  readonly #maxPrice = find('max-price', HTMLInputElement);
  readonly #fault = find('filter-fault', HTMLElement);
  #sort: Sort | undefined;
  #timer = 0;
  #last = '';

  constructor(locale: string, changed: (query: ProductQuery) => void) {
    this.#locale = locale;
    this.#changed = changed;
    this.#restore(new URLSearchParams(location.search));
    for (const input of [this.#search, this.#minPrice, this.#maxPrice]) {
      input.addEventListener('input', () => this.#soon());
    }
    find('filter', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      this.#tell();
    });
    for (const heading of document.querySelectorAll<HTMLElement>('th[data-sort]')) {
      heading.querySelector('button')?.addEventListener('click', () => this.#press(heading.dataset['sort'] ?? ''));
    }
  }

  /** The current query; undefined, with the fault shown, if a price is invalid. */
  query(): ProductQuery | undefined {
    const [min, max] = [this.#read(this.#minPrice), this.#read(this.#maxPrice)];
    const fault = ('fault' in min && min.fault) || ('fault' in max && max.fault) || '';
    setText(this.#fault, fault);
    if ('fault' in min || 'fault' in max) return undefined;
    if (min.price !== undefined && max.price !== undefined && min.price > max.price) {
      setText(this.#fault, 'The first price is above the second.');
      return undefined;
    }
    const q = this.#search.value.trim();
    return {
      ...(q === '' ? {} : { q }),
      ...(min.price === undefined ? {} : { minPrice: min.price }),
      ...(max.price === undefined ? {} : { maxPrice: max.price }),
      ...(this.#sort === undefined ? {} : { sort: this.#sort }),
    };
  }

  focus(): void {
    this.#search.focus();
    this.#search.select();
  }

  #read(input: HTMLInputElement): { price: number | undefined } | { fault: string } {
    const typed = input.value.trim() === '' ? { price: undefined } : readPrice(input.value, this.#locale);
    markField(input, this.#fault, 'fault' in typed ? typed.fault : '');
    return typed;
  }

  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#tell(), whileTyping);
  }

  /** Pressing the same column again reverses the order. */
  #press(column: string): void {
    const now = this.#sort ?? (this.#search.value.trim() === '' ? 'name' : undefined);
    this.#sort = (now === column ? `-${column}` : column) as Sort;
    this.#tell();
  }

  #tell(): void {
    clearTimeout(this.#timer);
    const query = this.query();
    this.#markOrder();
    const text = JSON.stringify(query);
    if (query === undefined || text === this.#last) return;
    this.#last = text;
    const parameters = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
    history.replaceState(null, '', parameters.size === 0 ? location.pathname : `?${parameters.toString()}`);
    this.#changed(query);
  }

  #markOrder(): void {
    const order = this.#sort ?? (this.#search.value.trim() === '' ? 'name' : '');
    for (const column of columns) {
      const heading = document.querySelector(`th[data-sort="${column}"]`);
      if (order === column) heading?.setAttribute('aria-sort', 'ascending');
      else if (order === `-${column}`) heading?.setAttribute('aria-sort', 'descending');
      else heading?.removeAttribute('aria-sort');
    }
  }

  #restore(parameters: URLSearchParams): void {
    const price = (name: string) => {
      const value = Number(parameters.get(name) ?? 'none');
      return Number.isFinite(value) && value >= 0 ? formatPrice(value, this.#locale) : '';
    };
    // No longer than the field accepts.
    this.#search.value = (parameters.get('q') ?? '').slice(0, this.#search.maxLength);
    this.#minPrice.value = price('minPrice');
    this.#maxPrice.value = price('maxPrice');
    const sort = parameters.get('sort') ?? '';
    if (columns.some((column) => sort.replace(/^-/, '') === column)) this.#sort = sort as Sort;
    this.#markOrder();
    this.#last = JSON.stringify(this.query());
  }
}
