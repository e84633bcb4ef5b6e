import { find, setText } from './elements.ts';
import { healthOf } from './health.ts';
import type { Lag } from './lag.ts';

/** Milliseconds. The first check waits, so that the first rows load first. */
const firstLook = 1_000;
const healthEvery = 5_000;
const whileIll = 1_500;

/** The line at the bottom: whether the page is live, how far the read side is behind, and which API is down. */
export class StatusBar {
  readonly #stream = find('stream', HTMLElement);
  readonly #lag = find('lag', HTMLElement);
  readonly #apis = find('apis', HTMLElement);
  readonly #commandApi: string;
  readonly #measured: Lag;
  #wasWell = true;

  constructor(commandApi: string, measured: Lag) {
    this.#commandApi = commandApi;
    this.#measured = measured;
    setInterval(() => this.#showLag(), 500);
    setTimeout(() => void this.#watch(), firstLook);
  }

  showStream(state: 'live' | 'lost'): void {
    this.#stream.dataset['state'] = state;
    const since = new Date().toLocaleTimeString();
    setText(this.#stream, state === 'live' ? 'Live' : `Connection lost: not up to date since ${since}, trying again`);
    this.#showLag();
    void this.#look();
  }

  /** Nobody who may read is signed in. */
  showUnconnected(): void {
    this.#stream.dataset['state'] = 'waiting';
    setText(this.#stream, 'Not connected');
    this.#showLag();
  }

  showLag(): void {
    this.#showLag();
  }

  #showLag(): void {
    // Without the stream the lag is unknown.
    const isLive = this.#stream.dataset['state'] === 'live';
    setText(this.#lag, isLive ? this.#measured.describe(Date.now()) : '');
  }

  async #watch(): Promise<void> {
    for (;;) {
      if (!document.hidden) await this.#look();
      await new Promise((resolve) => setTimeout(resolve, this.#wasWell ? healthEvery : whileIll));
    }
  }

  async #look(): Promise<void> {
    const [queries, commands] = await Promise.all([healthOf(''), healthOf(this.#commandApi)]);
    if (queries.ok && queries.at !== undefined) this.#measured.compareClocks(queries.at, Date.now());
    const faults = [
      ...(queries.ok ? [] : [`Reading (query-api) ${queries.why}.`]),
      ...(commands.ok ? [] : [`Writing (command-api) ${commands.why}.`]),
    ];
    setText(this.#apis, faults.join(' '));
    this.#wasWell = faults.length === 0;
  }
}
