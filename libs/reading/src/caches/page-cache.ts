import type { ChangeFeed } from '../changes/feed.ts';
import type { LogPosition } from '../changes/log.ts';

/** A page in the form that is sent. */
export interface ShownPage {
  /** The `Link` header. */
  link: string | undefined;
  body: string;
  /** The page was read at this position of the log or later; undefined if unknown. */
  from: LogPosition | undefined;
  /**
   * Milliseconds, from the start of the read, for which the page stays right while the log has no change. For pages
   * that also depend on the time. No limit when absent; with 0 or less, the page answers only the request that reads
   * it.
   */
  validForMs?: number;
}

interface CachedPage {
  /** The end of the change log before the page was read: the page is current while this is the end. */
  at: LogPosition;
  isProven: boolean;
  reading: Promise<ShownPage>;
  /** Set when the read is complete. */
  shown: ShownPage | undefined;
  /** From then on, requests read the page again. On `performance.now()`; `Infinity` until the read is complete. */
  usableUntilMs: number;
  waiting: number;
  /** Cancels the read. */
  giveUp: AbortController;
}

/** Reads a page, not from before this call; with a position, also proves that the page was read there or later. */
type PageReader<List> = (list: List, gone: AbortSignal, position: LogPosition | undefined) => Promise<ShownPage>;

/**
 * Milliseconds for which an unproven page is used. One address may lead to several servers, and a replica that lags may
 * have answered: its page is older than the position at which it is kept.
 */
const maxUnprovenMs = 1_000;

/** How many characters the cached pages may hold, including a fixed cost for each page, even an empty one. */
const maxCachedCharacters = 16_000_000;
const charactersPerPage = 1_000;

/**
 * Answers pages from memory while the read model has not changed since they were read, and for no longer than each is
 * valid. The change log is read before each answer, once for all requests of one turn of the event loop. Simultaneous
 * requests for the same page share one read. Pages are the same if their lists have the same JSON.
 */
export class PageCache<List> {
  readonly #feed: ChangeFeed;
  readonly #read: PageReader<List>;
  readonly #pages = new Map<string, CachedPage>();
  #size = 0;

  constructor(feed: ChangeFeed, read: PageReader<List>) {
    this.#feed = feed;
    this.#read = read;
  }

  /**
   * The page as of this call or later. Wait for `feed.current()` before.
   * @param gone aborted when the client stops waiting; the read is cancelled when all clients have.
   * @param isProven whether the statement has to prove its position in the change log, which costs the server 0.2 ms.
   * @throws {Problem} `overloaded`, `unavailable`.
   */
  async pageOfNow(list: List, gone: AbortSignal, isProven = false): Promise<ShownPage> {
    const askedAtMs = performance.now();
    const { position } = this.#feed;
    if (position === undefined) return await this.#read(list, gone, undefined);
    const key = JSON.stringify(list);
    const known = this.#pages.get(key);
    const isKnown = known?.at === position && (known.isProven || !isProven) && askedAtMs < known.usableUntilMs;
    const page = isKnown ? known : this.#begin(key, list, position, isProven);
    const shown = page.shown ?? (await this.#wait(key, page, gone));
    // This call may have joined a read that began earlier, and the page was valid only until a time before this call.
    return !isKnown || askedAtMs <= page.usableUntilMs ? shown : await this.pageOfNow(list, gone, isProven);
  }

  #begin(key: string, list: List, at: LogPosition, isProven: boolean): CachedPage {
    this.#drop(key);
    const giveUp = new AbortController();
    const begunAtMs = performance.now();
    const reading = this.#read(list, giveUp.signal, isProven ? at : undefined);
    const page: CachedPage = { at, isProven, reading, shown: undefined, usableUntilMs: Infinity, waiting: 0, giveUp };
    this.#pages.set(key, page);
    reading.then(
      (shown) => {
        const unprovenUntilMs = isProven ? Infinity : performance.now() + maxUnprovenMs;
        const { validForMs = Infinity } = shown;
        page.usableUntilMs = Math.min(unprovenUntilMs, begunAtMs + (validForMs > 0 ? validForMs : 0));
        this.#keep(key, page, shown);
      },
      () => this.#pages.get(key) === page && this.#drop(key),
    );
    return page;
  }

  async #wait(key: string, page: CachedPage, gone: AbortSignal): Promise<ShownPage> {
    page.waiting += 1;
    const leave = () => {
      page.waiting -= 1;
      if (page.waiting > 0 || page.shown !== undefined) return;
      // A later request starts a new read.
      if (this.#pages.get(key) === page) this.#drop(key);
      page.giveUp.abort();
    };
    if (gone.aborted) leave();
    else gone.addEventListener('abort', leave, { once: true });
    try {
      return await page.reading;
    } finally {
      gone.removeEventListener('abort', leave);
    }
  }

  #keep(key: string, page: CachedPage, shown: ShownPage): void {
    if (this.#pages.get(key) !== page) return;
    // The page comes from another history than the log: the next request reads it again.
    if (page.isProven && shown.from === undefined) {
      this.#drop(key);
      return;
    }
    page.shown = shown;
    this.#size += sizeOf(key, shown);
    for (const oldest of this.#pages.keys()) {
      if (this.#size <= maxCachedCharacters) return;
      if (oldest !== key) this.#drop(oldest);
    }
  }

  #drop(key: string): void {
    const shown = this.#pages.get(key)?.shown;
    if (shown !== undefined) this.#size -= sizeOf(key, shown);
    this.#pages.delete(key);
  }
}

function sizeOf(key: string, { link = '', body }: ShownPage): number {
  return key.length + link.length + body.length + charactersPerPage;
}
