import type { ProductQuery } from '@catalogue/client';
import { find, isolated, setText } from './elements.ts';
import type { ProductList } from './product-list.ts';

/** Whoever types gets other results with each pause: only those that stay so long are told. */
const settledMs = 700;

/** How many products are shown. What somebody's own search found is told to those who do not see it, too; what others change is not. */
export class Results {
  readonly #count = find('count', HTMLElement);
  readonly #empty = find('empty', HTMLElement);
  readonly #tell: (sentence: string) => void;
  #isAsked = false;
  #timer = 0;

  constructor(tell: (sentence: string) => void) {
    this.#tell = tell;
  }

  /** Somebody asked for another list. */
  asked(): void {
    clearTimeout(this.#timer);
    this.#isAsked = true;
  }

  /** Shows a list, which was just loaded if it `isAnswer`. */
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
