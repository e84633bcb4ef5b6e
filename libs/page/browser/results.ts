import type { ProductQuery } from '@catalogue/client';
import { find, isolated, setText } from './elements.ts';
import type { ProductList } from './product-list.ts';

/** Results change with each pause while the user types: only those that stay this long are announced. */
const settledMs = 700;

/** The number of shown products. Screen readers announce the result of the user’s own search, and not changes by others. */
export class Results {
  readonly #count = find('count', HTMLElement);
  readonly #empty = find('empty', HTMLElement);
  readonly #tell: (sentence: string) => void;
  #isAsked = false;
  #timer = 0;

  constructor(tell: (sentence: string) => void) {
    this.#tell = tell;
  }

  /** The user asked for another list. */
  asked(): void {
    clearTimeout(this.#timer);
    this.#isAsked = true;
  }

  /** Shows the count of a list; `isAnswer` if the list was just loaded. */
  show({ products, next }: ProductList, query: ProductQuery, isAnswer: boolean): void {
    const number = products.length === 1 ? '1 product' : `${products.length} products`;
    const count = next === undefined ? number : `The first ${number}`;
    setText(this.#count, count);
    const becomesEmpty = products.length === 0 && this.#empty.hidden;
    this.#empty.hidden = products.length > 0;
    if (products.length === 0) setText(this.#empty, nothingLike(query, 'that'));
    if (!becomesEmpty && !(isAnswer && this.#isAsked)) return;
    this.#isAsked = false;
    const searched = query.q === undefined ? undefined : isolated(query.q);
    const found = searched === undefined ? count : `${count} for ${searched}`;
    clearTimeout(this.#timer);
    const sentence = products.length === 0 ? nothingLike(query, searched ?? 'that') : found;
    this.#timer = window.setTimeout(() => this.#tell(sentence), settledMs);
  }
}

function nothingLike(query: ProductQuery, what: string): string {
  const isFiltered = Object.keys(query).some((name) => name !== 'sort');
  return isFiltered ? `No product is like ${what}.` : 'The catalogue is empty. Create its first product.';
}
