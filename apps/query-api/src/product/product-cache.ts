import type { ProductRead } from '@catalogue/read-schema';
import type { ChangeFeed } from '../changes/feed.ts';
import type { LogPosition } from '../changes/log.ts';
import { etagOf } from './etag.ts';
import { present } from './product.ts';
import type { FoundRow } from './row-loader.ts';

/** A product in the form that is sent. Made once, sent many times. */
export interface Shown {
  id: string;
  version: number;
  etag: string;
  body: string;
}

export interface FoundProduct {
  /** Undefined if the catalogue does not list the product. */
  shown: Shown | undefined;
  /** The product was read at this position of the log or later; undefined if unknown. */
  from: LogPosition | undefined;
}

/** How many products are cached: about 15 MB. */
const maxCachedProducts = 20_000;

/**
 * Answers single products, from memory if they were read before. A product stays in memory until the change log reports a change of
 * it. The log is read before each answer, once for all requests of one turn of the event loop, so an answer is never older than its
 * request.
 */
export class ProductCache {
  readonly #feed: ChangeFeed;
  readonly #read: (id: string) => Promise<FoundRow<ProductRead>>;
  readonly #shown = new Map<string, Shown>();

  /** @param read reads a product from now on, and proves that it was read at the feed’s position or later. */
  constructor(feed: ChangeFeed, read: (id: string) => Promise<FoundRow<ProductRead>>) {
    this.#feed = feed;
    this.#read = read;
    feed.listen({
      changed: (changes) => {
        for (const { id } of changes) this.#shown.delete(id);
      },
      reset: () => this.#shown.clear(),
    });
  }

  /**
   * The product as of this call or later. The caller has waited for the feed to be current.
   * @throws {Problem} `overloaded`, `unavailable`.
   */
  async findNow(id: string): Promise<FoundProduct> {
    // PostgreSQL’s text cannot contain NUL, so no id does.
    if (id.includes('\0')) return { shown: undefined, from: this.#feed.position };
    const known = this.#shown.get(id);
    if (known !== undefined) return { shown: known, from: this.#feed.position };
    const { row, from } = await this.#read(id);
    if (row === undefined) return { shown: undefined, from };
    const body = JSON.stringify(present(row));
    const shown = { id, version: row.version, etag: etagOf(row, body), body };
    // The row may or may not include a change that happened meanwhile.
    if (from !== undefined && this.#feed.isUnchanged(id, from)) this.#keep(id, shown);
    return { shown, from };
  }

  #keep(id: string, shown: Shown): void {
    this.#shown.set(id, shown);
    if (this.#shown.size <= maxCachedProducts) return;
    const [oldest] = this.#shown.keys();
    if (oldest !== undefined) this.#shown.delete(oldest);
  }
}
