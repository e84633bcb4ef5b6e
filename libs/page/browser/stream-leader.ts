import type { Catalogue } from '@catalogue/client';
import { beatMs, watchSilence } from './silence.ts';
import { type Listener, type News, Station } from './stream-news.ts';
import { readStream } from './stream-reader.ts';

export interface LeaderOptions {
  catalogue: Catalogue;
  /** Tabs with the same name share a stream. */
  name: string;
  listener: Listener;
  signal: AbortSignal;
}

/** A message between tabs: news for all, the hello of a tab that joins, and the answer to it. */
type Message = News | { type: 'hello'; tab: string } | { type: 'greeting'; tab: string; news: News[] };

/**
 * The tab that holds the lock reads the stream for the others. When it stops, the next tab takes over and resumes.
 * Resolves when the signal is aborted.
 * @throws {DOMException} if the browser refuses the page locks.
 */
export async function leadOrFollow(options: LeaderOptions): Promise<void> {
  using tab = new Tab(options);
  tab.join();
  const aborted = new Promise<void>((resolve) => options.signal.addEventListener('abort', () => resolve()));
  await Promise.race([aborted, tab.refused]);
}

class Tab implements Disposable {
  readonly #options: LeaderOptions;
  readonly #name = String(crypto.getRandomValues(new Uint32Array(2)));
  readonly #channel: BroadcastChannel;
  readonly #station: Station;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #stopWatching: () => void;
  readonly #refused = Promise.withResolvers<never>();
  #heardAt = Date.now();
  #isLeading = false;
  /** This tab knows where the stream was when it joined. An earlier event would hide the changes before it. */
  #isPlaced = false;
  #isQueued = false;

  constructor(options: LeaderOptions) {
    this.#options = options;
    this.#channel = new BroadcastChannel(options.name);
    this.#station = new Station((news) => {
      this.#post(news);
      options.listener.take(news);
    });
    this.#channel.addEventListener('message', ({ data }: MessageEvent<Message>) => this.#hear(data));
    this.#timer = setInterval(() => this.#isLeading && this.#station.tell({ type: 'beat' }), beatMs);
    this.#stopWatching = watchSilence(
      () => (this.#isLeading ? Date.now() : this.#heardAt),
      () => this.#takeOver(),
    );
  }

  /** Rejects if the browser refuses a lock. */
  get refused(): Promise<never> {
    return this.#refused.promise;
  }

  join(): void {
    this.#post({ type: 'hello', tab: this.#name });
    this.#queue();
  }

  [Symbol.dispose](): void {
    this.#stopWatching();
    clearInterval(this.#timer);
    this.#channel.close();
  }

  #post(message: Message): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A channel has no target: it is of one origin.
    this.#channel.postMessage(message);
  }

  #hear(message: Message): void {
    if (message.type === 'hello') {
      const { tab } = message;
      if (this.#isLeading) this.#post({ type: 'greeting', tab, news: this.#station.greeting() });
      return;
    }
    this.#heardAt = Date.now();
    if (message.type !== 'greeting') this.#take(message);
    else if (message.tab === this.#name) for (const news of message.news) this.#take(news);
  }

  #take(news: News): void {
    if (news.type === 'from') this.#isPlaced = true;
    if (news.type !== 'event' || this.#isPlaced) this.#options.listener.take(news);
  }

  #queue(): void {
    const { signal } = this.#options;
    if (this.#isQueued || signal.aborted) return;
    this.#isQueued = true;
    void this.#hold({ signal }).then(() => {
      this.#isQueued = false;
      this.#queue();
    }, this.#refused.reject);
  }

  /** The leading tab was frozen without notice: it holds the lock and sends nothing. */
  #takeOver(): void {
    this.#heardAt = Date.now();
    void this.#hold({ steal: true }).then(() => this.#queue(), this.#refused.reject);
  }

  /** Leads from when it gets the lock until the signal is aborted or another tab takes the lock. */
  async #hold(options: LockOptions): Promise<void> {
    const { name, signal } = this.#options;
    const holding = new AbortController();
    try {
      await navigator.locks.request(name, options, () => this.#lead(AbortSignal.any([signal, holding.signal])));
    } catch (error) {
      if (!(error instanceof DOMException && error.name === 'AbortError')) throw error;
    } finally {
      holding.abort();
    }
  }

  async #lead(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { catalogue, listener } = this.#options;
    this.#isLeading = true;
    this.#isPlaced = true;
    const tell = (news: News) => signal.aborted || this.#station.tell(news);
    void readStream({ catalogue, lastEventId: listener.lastEventId, tell, signal });
    // At once, not when the reading has ended: a tab that is being frozen runs nothing else.
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => {
        this.#isLeading = false;
        resolve();
      });
    });
  }
}
