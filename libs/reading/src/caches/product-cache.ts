import type { ChangeFeed } from '../changes/feed.ts';
import type { LogPosition } from '../changes/log.ts';
import type { FoundRow } from '../queries/row-loader.ts';

export interface FoundProduct<Shown> {
  /** Undefined if there is no such product. */
  shown: Shown | undefined;
  /** The product was read at this position of the log or later; undefined if unknown. */
  from: LogPosition | undefined;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** How many products are cached: about 15 MB. */
const maxCachedProducts = 20_000;

/**
 * Answers single products, from memory if they were read before. A product stays in memory until the change log reports
 * a change of it. The log is read before each answer, once for all requests of one turn of the event loop, so an answer
 * is never older than its request.
 */
export class ProductCache<Row extends { id: string }, Shown> {
  readonly #feed: ChangeFeed;
  readonly #read: (id: string) => Promise<FoundRow<Row>>;
  readonly #show: (row: Row) => Shown;
  readonly #shown = new Map<string, Shown>();

  /**
   * @param read reads a product, not from before the call, and proves that it was read at the feed’s position or later.
   * @param show makes the form that is kept. It has to bound its size, because the cache bounds only the number of
   * products.
   */
  constructor(feed: ChangeFeed, read: (id: string) => Promise<FoundRow<Row>>, show: (row: Row) => Shown) {
    this.#feed = feed;
    this.#read = read;
    this.#show = show;
    feed.listen({
      changed: (changes) => {
        for (const { id } of changes) this.#shown.delete(id);
      },
      reset: () => this.#shown.clear(),
    });
  }

  /**
   * The product as of this call or later. Wait for `feed.current()` before.
   * @throws {Problem} `overloaded`, `unavailable`.
   */
  async findNow(id: string): Promise<FoundProduct<Shown>> {
    // PostgreSQL’s text cannot contain NUL, so no id does.
    if (id.includes('\0')) return { shown: undefined, from: this.#feed.position };
    const known = this.#shown.get(id);
    if (known !== undefined) return { shown: known, from: this.#feed.position };
    const { row, from } = await this.#read(id);
    if (row === undefined) return { shown: undefined, from };
    const shown = this.#show(row);
    // The row may or may not include a change that happened meanwhile.
    if (from !== undefined && this.#feed.isUnchanged(id, from)) this.#keep(id, shown);
    return { shown, from };
  }

  /**
   * As `findNow`. Our ids are UUIDs in lower case, and clients may send them in upper case. Ids of older producers are
   * any text, and have to match exactly.
   */
  async findByAnyForm(id: string): Promise<FoundProduct<Shown>> {
    const ours = id.toLowerCase();
    if (ours === id || !uuid.test(ours)) return await this.findNow(id);
    const [asked, other] = await Promise.all([this.findNow(id), this.findNow(ours)]);
    for (const found of [asked, other]) if (found.shown !== undefined) return found;
    return { shown: undefined, from: asked.from === other.from ? other.from : undefined };
  }

  #keep(id: string, shown: Shown): void {
    this.#shown.set(id, shown);
    if (this.#shown.size <= maxCachedProducts) return;
    const [oldest] = this.#shown.keys();
    if (oldest !== undefined) this.#shown.delete(oldest);
  }
}
