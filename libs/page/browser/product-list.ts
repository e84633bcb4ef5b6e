import type { Page, Product, ProductQuery, StreamEvent } from '@catalogue/client';
import { mayMatch } from './may-match.ts';

type Change = Exclude<StreamEvent, { type: 'reset' }>;

/** The effect of a change on the list. */
export type Effect = 'none' | 'shown';

/** The root collation, which the read model sorts by; English does not change it. */
const collator = new Intl.Collator('en');

/**
 * The loaded part of a list, kept as query-api would list it now. Changes and pages may arrive in any order: versions
 * tell which changes a page already includes.
 */
export class ProductList {
  /** Undefined until the first page arrives. */
  #query: ProductQuery | undefined;
  #products: Product[] = [];
  #next: string | undefined;
  /** The last product of the last page, as it was then: products that sort after it are on the next page. */
  #edge: Product | undefined;
  readonly #versions = new Map<string, Product>();
  /** Changes since the page that is being loaded was requested: the page may not include them. */
  #meanwhile: Change[] | undefined;
  #isStale = false;

  get products(): readonly Product[] {
    return this.#products;
  }

  /** The cursor of the next page; undefined when everything is loaded. */
  get next(): string | undefined {
    return this.#next;
  }

  /** Whether the list has to be reloaded to be current. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** Marks the list as stale: it may lack changes. */
  markStale(): void {
    this.#isStale = true;
  }

  find(id: string): Product | undefined {
    return this.#versions.get(id);
  }

  /** Announces a request for a page: the page may not include the changes from now on. */
  expectPage(): void {
    this.#meanwhile = [];
  }

  /** Replaces the list by the first page of another one. */
  replace(query: ProductQuery, page: Page): void {
    this.#query = query;
    this.#products = [];
    this.#isStale = false;
    this.#versions.clear();
    this.append(page);
  }

  append({ products, next }: Page): void {
    for (const product of products) {
      if (this.#versions.has(product.id)) continue;
      this.#products.push(product);
      this.#versions.set(product.id, product);
    }
    this.#next = next;
    this.#edge = products.at(-1);
    const missed = this.#meanwhile ?? [];
    this.#meanwhile = undefined;
    for (const change of missed) this.apply(change);
  }

  apply(change: Change): Effect {
    this.#meanwhile?.push(change);
    if (this.#query === undefined) return 'none';
    const { product } = change;
    const shown = this.#versions.get(product.id);
    if (shown !== undefined && !isNews(product, shown)) return 'none';
    if (this.#query.q === undefined) return this.#move(this.#query, change, shown);
    const effect = this.#applyToSearch(this.#query, change, shown);
    // If no name matches the text, the search shows similar names.
    this.#isStale ||= effect === 'shown' && this.#products.length === 0;
    return effect;
  }

  /** Only query-api knows whether the search finds another name, and at which place. */
  #applyToSearch(query: ProductQuery, change: Change, shown: Product | undefined): Effect {
    const { product } = change;
    const isFound = change.type !== 'product.discontinued' && isInRange(query, product);
    if (shown === undefined) {
      this.#isStale ||= isFound && mayMatch(query.q ?? '', product.name);
      return 'none';
    }
    this.#isStale ||= isFound && shown.name !== product.name;
    if (!isFound || query.sort !== undefined) return this.#move(query, change, shown);
    this.#products[this.#products.indexOf(shown)] = product;
    this.#versions.set(product.id, product);
    return 'shown';
  }

  #move(query: ProductQuery, { type, product }: Change, shown: Product | undefined): Effect {
    const wasShown = this.#remove(shown);
    const isListed = type !== 'product.discontinued' && isInRange(query, product);
    return isListed && this.#insert(query, product) ? 'shown' : wasShown;
  }

  #remove(shown: Product | undefined): Effect {
    if (shown === undefined) return 'none';
    this.#products.splice(this.#products.indexOf(shown), 1);
    this.#versions.delete(shown.id);
    return 'shown';
  }

  /** False if the product does not belong to the loaded part. */
  #insert({ sort }: ProductQuery, product: Product): boolean {
    const compare = order(sort);
    if (this.#next !== undefined && this.#edge !== undefined && compare(product, this.#edge) > 0) return false;
    const place = this.#placeOf(product, compare);
    this.#products.splice(place, 0, product);
    this.#versions.set(product.id, product);
    return true;
  }

  #placeOf(product: Product, compare: (a: Product, b: Product) => number): number {
    let [from, to] = [0, this.#products.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      const other = this.#products[middle];
      if (other !== undefined && compare(other, product) < 0) from = middle + 1;
      else to = middle;
    }
    return from;
  }
}

function isInRange({ minPrice = 0, maxPrice = Number.MAX_VALUE }: ProductQuery, { price }: Product): boolean {
  return price >= minPrice && price <= maxPrice;
}

/** Whether the product is newer than the shown one. Products of older systems have no versions, so their times decide. */
function isNews(product: Product, shown: Product): boolean {
  if (product.version !== shown.version) return product.version > shown.version;
  return product.version === 0 && product.updatedAt > shown.updatedAt;
}

function order(sort: ProductQuery['sort'] = 'name'): (a: Product, b: Product) => number {
  const sign = sort.startsWith('-') ? -1 : 1;
  const by = comparisons[sort.replace('-', '') as keyof typeof comparisons];
  return (a, b) => sign * (by(a, b) || compareIds(a, b));
}

/** By bytes, as the read model sorts. Ids are almost always ASCII. */
function compareIds(a: Product, b: Product): number {
  if (a.id === b.id) return 0;
  return a.id < b.id ? -1 : 1;
}

const comparisons = {
  name: (a: Product, b: Product) => collator.compare(a.name, b.name),
  price: (a: Product, b: Product) => a.price - b.price,
  updatedAt: (a: Product, b: Product) => Date.parse(a.updatedAt) - Date.parse(b.updatedAt),
};
