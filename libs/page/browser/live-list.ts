import { type Catalogue, CatalogueProblem, isProblem, type ProductQuery, type StreamEvent } from '@catalogue/client';
import { ProductList } from './product-list.ts';
import { ReloadPace } from './reload-pace.ts';
import { wordsOf } from './rights.ts';
import { SignedOut } from './signed-out.ts';

export interface LiveListOptions {
  catalogue: Catalogue;
  /** Called when the page has to be drawn; `fresh` for a change from the stream. */
  changed: (fresh: boolean) => void;
  /** Called with the reason when the list cannot be loaded, and with an empty text when it can. */
  failed: (why: string) => void;
  /** Whether the page is hidden. */
  isHidden: () => boolean;
}

const pageSize = 100;
const maxReloaded = 500;
const retryMs = 2_000;

/** The list on the page: loaded by a query, kept current by the stream. */
export class LiveList {
  readonly list = new ProductList();
  readonly #options: LiveListOptions;
  #query: ProductQuery = {};
  #loading: AbortController | undefined;
  #loadingMore = false;
  #isLoading = false;
  /** The page that is being loaded may lack changes that the list has to show. */
  #isOutdated = false;
  readonly #pace = new ReloadPace();
  #again: ReturnType<typeof setTimeout> | undefined;

  constructor(options: LiveListOptions) {
    this.#options = options;
  }

  get query(): ProductQuery {
    return this.#query;
  }

  /** Shows the result of a query once it arrives; until then, the previous list stays. */
  show(query: ProductQuery): void {
    this.#query = query;
    this.#pace.reset();
    this.#stopWaiting();
    void this.#load(pageSize);
  }

  /** Reloads the list: it may lack changes. */
  reload(): void {
    this.#stopWaiting();
    if (this.#isLoading) this.#isOutdated = true;
    else void this.#load(Math.min(maxReloaded, Math.max(pageSize, this.list.products.length)));
  }

  /** The page became visible: reloads the list if it missed changes. */
  seen(): void {
    this.#pace.reset();
    if (this.list.isStale) this.reload();
  }

  /** The user did something and waits for the result, so the next reload comes soon. */
  hurry(): void {
    this.#pace.reset();
    this.#stopWaiting();
    this.#reloadSoon();
  }

  /** Loads the next page. */
  async more(): Promise<void> {
    const cursor = this.list.next;
    if (cursor === undefined || this.#loadingMore || this.#isLoading) return;
    this.#loadingMore = true;
    const loading = this.#loading;
    try {
      this.list.expectPage();
      const page = await this.#options.catalogue.page({ ...this.#query, limit: pageSize, cursor });
      // The user may have asked for another list meanwhile.
      if (this.#loading !== loading || this.list.next !== cursor) return;
      this.list.append(page);
      this.#options.failed('');
      this.#options.changed(false);
      this.#reloadSoon();
    } catch (error) {
      if (this.#loading !== loading || error instanceof SignedOut) return;
      this.#options.failed(sentence(error));
      setTimeout(() => this.#loading === loading && void this.more(), retryMs);
    } finally {
      this.#loadingMore = false;
    }
  }

  /** Applies an event of the stream. */
  hear(event: StreamEvent): void {
    if (event.type !== 'reset') {
      if (this.list.apply(event) === 'shown') this.#options.changed(true);
      this.#reloadSoon();
    } else if (this.#options.isHidden() && !this.#isLoading) this.list.markStale();
    else this.reload();
  }

  /** A hidden page waits until it is visible. */
  #reloadSoon(): void {
    if (!this.list.isStale || this.#again !== undefined || this.#options.isHidden()) return;
    this.#again = setTimeout(() => {
      this.#stopWaiting();
      if (this.list.isStale && !this.#options.isHidden()) this.reload();
    }, this.#pace.next(Date.now()));
  }

  #stopWaiting(): void {
    clearTimeout(this.#again);
    this.#again = undefined;
  }

  async #load(limit: number): Promise<void> {
    this.#loading?.abort();
    const loading = new AbortController();
    this.#loading = loading;
    this.#isLoading = true;
    const query = this.#query;
    while (!loading.signal.aborted) {
      try {
        this.#isOutdated = false;
        this.list.expectPage();
        const page = await this.#options.catalogue.page({ ...query, limit }, { signal: loading.signal });
        if (loading.signal.aborted) return;
        this.list.replace(query, page);
        this.#isLoading = false;
        this.#options.failed('');
        this.#options.changed(false);
        if (this.#isOutdated) this.reload();
        else this.#reloadSoon();
        return;
      } catch (error) {
        // The page says who is signed in.
        if (loading.signal.aborted || error instanceof SignedOut) return;
        this.#options.failed(sentence(error));
        // A retry would be refused again.
        if (isProblem(error, 'invalid-request', 'forbidden')) return;
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }
}

function sentence(error: unknown): string {
  if (isProblem(error, 'invalid-request')) {
    const faults = error.errors.map(({ pointer, message }) => `${pointer.slice(1)}: ${message}`).join(', ');
    return `Such a list cannot be asked for (${faults}).`;
  }
  if (isProblem(error, 'forbidden')) return `The products cannot be shown: ${wordsOf(error)}.`;
  const why = error instanceof CatalogueProblem ? error.detail : 'query-api does not answer';
  return `The products cannot be loaded at the moment (${why}). Trying again.`;
}
