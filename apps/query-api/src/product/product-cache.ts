import type { ProductRead } from '@catalogue/read-schema';
import type { ChangeFeed } from '../changes/feed.ts';
import type { LogPosition } from '../changes/log.ts';
import { etagOf } from './etag.ts';
import { present } from './product.ts';
import type { FoundRow } from './row-loader.ts';

/** A product as it is sent: made once, sent as often as it is asked for. */
export interface Shown {
  id: string;
  version: number;
  etag: string;
  body: string;
}

export interface FoundProduct {
  /** Undefined for one that the catalogue does not list. */
  shown: Shown | undefined;
  /** The position of the log that it was read at or after; undefined where that is not known. */
  from: LogPosition | undefined;
}

/** Products in memory: some 15 MB of them. */
const maxCachedProducts = 20_000;

/**
 * Single products, those asked for before from memory. A product stays in memory until the change log says that something
 * happened to it; the log is read on before each answer, once for all who ask in one turn of the event loop. So an answer is
 * never older than its request.
 */
export class ProductCache {
  readonly #feed: ChangeFeed;
  readonly #read: (id: string) => Promise<FoundRow<ProductRead>>;
  readonly #shown = new Map<string, Shown>();

  /** @param read what the database shows of a product from now on, with a proof of the feed's position. */
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
   * The product as it was after this call, for who has waited for the feed to be current since the request came.
   * @throws {Problem} `overloaded`, `unavailable`.
   */
  async findNow(id: string): Promise<FoundProduct> {
    // PostgreSQL's text holds no NUL, so no id does.
    if (id.includes('\0')) return { shown: undefined, from: this.#feed.position };
    const known = this.#shown.get(id);
    if (known !== undefined) return { shown: known, from: this.#feed.position };
    const { row, from } = await this.#read(id);
    if (row === undefined) return { shown: undefined, from };
    const body = JSON.stringify(present(row));
    const shown = { id, version: row.version, etag: etagOf(row, body), body };
    // Something that happened meanwhile may be in the row or not.
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
