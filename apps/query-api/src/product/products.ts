import type { ProductRead } from '@catalogue/read-schema';
import type { ChangeFeed } from '../changes/feed.ts';
import { etagOf } from './etag.ts';
import { present } from './product.ts';

/** A product as it is sent: made once, sent as often as it is asked for. */
export interface Shown {
  version: number;
  etag: string;
  body: string;
}

/** Products in memory: some 15 MB of them. */
const most = 20_000;

/**
 * Single products, those asked for before from memory. A product stays in memory until the change log says that something
 * happened to it; the log is read on before each answer, once for all who ask in one turn of the event loop. So an answer is
 * never older than its request.
 */
export class Products {
  readonly #feed: ChangeFeed;
  readonly #read: (id: string) => Promise<ProductRead | undefined>;
  readonly #shown = new Map<string, Shown>();

  /** @param read what the database shows of a product from now on. */
  constructor(feed: ChangeFeed, read: (id: string) => Promise<ProductRead | undefined>) {
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
   * The product as it was after this call; undefined for one that the catalogue does not list.
   * @throws {Problem} `overloaded`, `unavailable`.
   */
  async find(id: string): Promise<Shown | undefined> {
    await this.#feed.current();
    const known = this.#shown.get(id);
    if (known !== undefined) return known;
    const { position } = this.#feed;
    const row = await this.#read(id);
    if (row === undefined) return undefined;
    const body = JSON.stringify(present(row));
    const shown = { version: row.version, etag: etagOf(row, body), body };
    // Something that happened meanwhile may be in the row or not.
    if (position !== undefined && this.#feed.isUnchanged(id, position)) this.#keep(id, shown);
    return shown;
  }

  #keep(id: string, shown: Shown): void {
    this.#shown.set(id, shown);
    if (this.#shown.size <= most) return;
    const [oldest] = this.#shown.keys();
    if (oldest !== undefined) this.#shown.delete(oldest);
  }
}
