import { type Catalogue, type HistoryEntry, isProblem } from '@catalogue/client';
import { find, isolated, make, setText } from './elements.ts';
import { formatPrice } from './price.ts';

const atOnce = 50;

/** The history of a product, newest event first, a few events at a time. */
export class History {
  readonly #catalogue: Catalogue;
  readonly #locale: string;
  readonly #section = find('history', HTMLElement);
  readonly #state = find('history-state', HTMLElement);
  readonly #entries = find('history-entries', HTMLOListElement);
  readonly #more = find('history-more', HTMLButtonElement);
  #reading = new AbortController();
  #rest: AsyncGenerator<HistoryEntry> | undefined;

  constructor(catalogue: Catalogue, locale: string) {
    this.#catalogue = catalogue;
    this.#locale = locale;
    this.#more.addEventListener('click', () => void this.#readMore());
  }

  /** Shows the history of a product; clears it if undefined. */
  show(id: string | undefined): void {
    this.#reading.abort();
    this.#reading = new AbortController();
    this.#section.hidden = id === undefined;
    this.#entries.replaceChildren();
    this.#more.hidden = true;
    if (id === undefined) return;
    this.#rest = this.#catalogue.history(id, { signal: this.#reading.signal });
    void this.#readMore();
  }

  async #readMore(): Promise<void> {
    const { signal } = this.#reading;
    setText(this.#state, 'Loading');
    try {
      for (let count = 0; count < atOnce; count++) {
        const next = await this.#rest?.next();
        if (signal.aborted) return;
        this.#more.hidden = next === undefined || next.done === true;
        if (next === undefined || next.done === true) break;
        this.#entries.append(this.#entry(next.value));
      }
      setText(this.#state, '');
    } catch (error) {
      if (signal.aborted) return;
      const isElsewhere = isProblem(error, 'not-found');
      setText(this.#state, isElsewhere ? 'An older system keeps it.' : 'The history cannot be read at the moment.');
    }
  }

  #entry({ version, type, at, by, changes }: HistoryEntry): HTMLLIElement {
    const when = new Date(at).toLocaleString(this.#locale);
    const time = make('time', { dateTime: at }, by === null ? when : `${when}, ${by}`);
    return make('li', {}, `${version}. ${this.#words(type, changes)}`, time);
  }

  #words(type: string, { name, price }: Record<string, unknown>): string {
    const said = [
      ...(typeof name === 'string' ? [`name ${isolated(name)}`] : []),
      ...(typeof price === 'number' ? [`price ${formatPrice(price, this.#locale)}`] : []),
    ].join(', ');
    if (type === 'ProductCreated') return `Created: ${said}`;
    if (type === 'ProductUpdated') return `Changed: ${said}`;
    return type === 'ProductDiscontinued' ? 'Discontinued' : `${type} ${said}`;
  }
}
