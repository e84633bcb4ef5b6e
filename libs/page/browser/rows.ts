import type { Product } from '@catalogue/client';
import { make, setText } from './elements.ts';
import { formatPrice } from './price.ts';
import type { Selection } from './selection.ts';

interface Row {
  product: Product;
  line: HTMLTableRowElement;
  name: HTMLButtonElement;
  /** Absent where products cannot be selected. */
  box: HTMLInputElement | undefined;
  price: HTMLElement;
  prior: HTMLElement;
  when: HTMLTimeElement;
  version: HTMLTableCellElement;
}

/** The rows of the table, one per product. A row stays while its product is shown: focus and reading position stay. */
export class Rows {
  readonly #body: HTMLElement;
  readonly #locale: string;
  readonly #open: (product: Product) => void;
  readonly #selection: Selection | undefined;
  readonly #rows = new Map<string, Row>();
  #time: Intl.DateTimeFormat | undefined;

  /** @param selection whose products have a mark; without it they cannot be selected. */
  constructor(body: HTMLElement, locale: string, open: (product: Product) => void, selection?: Selection) {
    this.#body = body;
    this.#locale = locale;
    this.#open = open;
    this.#selection = selection;
    selection?.listen(() => this.#mark());
    body.addEventListener('keydown', (event) => this.#step(event));
  }

  /** Shows these products in this order. New and changed rows are highlighted for a moment if `stress` is true. */
  show(products: readonly Product[], stress: boolean): void {
    const focused = document.activeElement;
    const place = this.#focusedPlace(focused);
    const ids = new Set(products.map(({ id }) => id));
    for (const [id, { line }] of this.#rows) {
      if (ids.has(id)) continue;
      line.remove();
      this.#rows.delete(id);
    }
    let at = this.#body.firstElementChild;
    for (const product of products) {
      const { line } = this.#rowOf(product, stress);
      if (line === at) at = line.nextElementSibling;
      else this.#body.insertBefore(line, at);
    }
    this.#keepFocus(focused, place);
  }

  /** Shows a sentence below the price of each product that is shown. */
  tell(sentenceOf: (product: Product) => string): void {
    for (const { product, prior } of this.#rows.values()) setText(prior, sentenceOf(product));
  }

  #rowOf(product: Product, stress: boolean): Row {
    const known = this.#rows.get(product.id);
    if (known?.product === product) return known;
    const row = known ?? this.#make(product);
    row.product = product;
    setText(row.name, product.name);
    row.box?.setAttribute('aria-label', `Select ${product.name}`);
    setText(row.price, formatPrice(product.price, this.#locale));
    this.#time ??= new Intl.DateTimeFormat(this.#locale, { dateStyle: 'medium', timeStyle: 'medium' });
    setText(row.when, this.#time.format(new Date(product.updatedAt)));
    row.when.dateTime = product.updatedAt;
    setText(row.version, String(product.version));
    if (stress) stand(row.line);
    return row;
  }

  #make(product: Product): Row {
    const name = make('button', { type: 'button', dir: 'auto' });
    const price = make('span');
    const prior = make('p', { className: 'prior' });
    const when = make('time');
    const version = make('td', { className: 'version number' });
    const box = this.#selection === undefined ? undefined : make('input', { type: 'checkbox' });
    const heading = make(
      'th',
      { scope: 'row' },
      box === undefined ? name : make('div', { className: 'named' }, box, name),
    );
    const priced = make('td', { className: 'number price' }, price, prior);
    const line = make('tr', {}, heading, priced, make('td', { className: 'when' }, when), version);
    const row: Row = { product, line, name, box, price, prior, when, version };
    name.addEventListener('click', () => this.#open(row.product));
    if (box !== undefined) box.checked = this.#selection?.has(product.id) === true;
    box?.addEventListener('change', () => this.#selection?.set([row.product], box.checked));
    this.#rows.set(product.id, row);
    return row;
  }

  #mark(): void {
    for (const { product, box } of this.#rows.values()) {
      if (box !== undefined) box.checked = this.#selection?.has(product.id) === true;
    }
  }

  /** Arrow up and arrow down move between products. */
  #step(event: KeyboardEvent): void {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const line = document.activeElement?.closest('tr');
    const next = event.key === 'ArrowDown' ? line?.nextElementSibling : line?.previousElementSibling;
    next?.querySelector<HTMLElement>(document.activeElement instanceof HTMLInputElement ? 'input' : 'button')?.focus();
    event.preventDefault();
  }

  #focusedPlace(focused: Element | null): number {
    const line = focused?.closest('#rows > tr');
    return line === null || line === undefined ? -1 : [...this.#body.children].indexOf(line);
  }

  /** Restores the focus: to the row that moved, or to the neighbour of one that disappeared. */
  #keepFocus(focused: Element | null, place: number): void {
    if (place < 0 || document.activeElement === focused) return;
    const kept = focused?.isConnected === true ? focused : this.#body.children[place]?.querySelector('button');
    if (kept instanceof HTMLElement) kept.focus({ preventScroll: true });
    else this.#body.closest('table')?.focus({ preventScroll: true });
  }
}

function stand(line: HTMLElement): void {
  line.classList.remove('fresh');
  // The animation restarts only if styles were computed without the class.
  requestAnimationFrame(() => line.classList.add('fresh'));
}
