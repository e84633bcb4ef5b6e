import type { ChangeFeed } from '../changes/feed.ts';
import type { LogPosition } from '../changes/log.ts';
import { linkOf, type ListRequest } from './list.ts';
import type { Page } from './lists.ts';
import { present } from './product.ts';

/** A page as it is sent. */
export interface ShownPage {
  link: string | undefined;
  body: string;
}

interface Hot {
  /** The change log's end before the page was read: while it is the end, the page is what it was. */
  at: LogPosition;
  reading: Promise<ShownPage>;
  /** Once it is read. */
  shown: ShownPage | undefined;
  waiting: number;
  /** Cancels the read. */
  giveUp: AbortController;
}

/** Characters in memory at most: those of the pages, and as many as each costs besides, also one that shows nothing. */
const most = 16_000_000;
const besides = 1_000;

/**
 * Pages, from memory while nothing has happened since they were read: the change log is read on before each answer, once for
 * all who ask in one turn of the event loop. Those who ask for the same page meanwhile share one read.
 */
export class HotPages {
  readonly #feed: ChangeFeed;
  readonly #read: (list: ListRequest, gone: AbortSignal) => Promise<Page>;
  readonly #pages = new Map<string, Hot>();
  #size = 0;

  constructor(feed: ChangeFeed, read: (list: ListRequest, gone: AbortSignal) => Promise<Page>) {
    this.#feed = feed;
    this.#read = read;
  }

  /**
   * The page as it was after this call.
   * @param gone aborted when the client waits no more; the read is cancelled when nobody does.
   * @throws {Problem} `overloaded`, `unavailable`.
   */
  async page(list: ListRequest, gone: AbortSignal): Promise<ShownPage> {
    await this.#feed.current();
    return await this.pageOfNow(list, gone);
  }

  /** The same for who has waited for the feed to be current since the request came. */
  async pageOfNow(list: ListRequest, gone: AbortSignal): Promise<ShownPage> {
    const { position } = this.#feed;
    if (position === undefined) return show(list, await this.#read(list, gone));
    const key = JSON.stringify([list.filter, list.limit, list.after]);
    const known = this.#pages.get(key);
    const hot = known?.at === position ? known : this.#begin(key, list, position);
    return hot.shown ?? (await this.#wait(key, hot, gone));
  }

  #begin(key: string, list: ListRequest, at: LogPosition): Hot {
    this.#drop(key);
    const giveUp = new AbortController();
    const reading = this.#read(list, giveUp.signal).then((page) => show(list, page));
    const hot: Hot = { at, reading, shown: undefined, waiting: 0, giveUp };
    this.#pages.set(key, hot);
    reading.then(
      (shown) => this.#keep(key, hot, shown),
      () => this.#pages.get(key) === hot && this.#drop(key),
    );
    return hot;
  }

  async #wait(key: string, hot: Hot, gone: AbortSignal): Promise<ShownPage> {
    hot.waiting += 1;
    const leave = () => {
      hot.waiting -= 1;
      if (hot.waiting > 0 || hot.shown !== undefined) return;
      // Whoever asks from now on begins anew.
      if (this.#pages.get(key) === hot) this.#drop(key);
      hot.giveUp.abort();
    };
    if (gone.aborted) leave();
    else gone.addEventListener('abort', leave, { once: true });
    try {
      return await hot.reading;
    } finally {
      gone.removeEventListener('abort', leave);
    }
  }

  #keep(key: string, hot: Hot, shown: ShownPage): void {
    if (this.#pages.get(key) !== hot) return;
    hot.shown = shown;
    this.#size += sizeOf(key, shown);
    for (const oldest of this.#pages.keys()) {
      if (this.#size <= most) return;
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
  return key.length + link.length + body.length + besides;
}

function show(list: ListRequest, { rows, next }: Page): ShownPage {
  return { link: linkOf(list, next), body: JSON.stringify(rows.map(present)) };
}
