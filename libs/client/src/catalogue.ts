import { type Answer, type Connection, connector, one } from './connection.ts';
import type { MarketQuery, PricePeriod, PriorPrice, Reduction } from './price.ts';
import { isProblem } from './problem.ts';
import type {
  HistoryEntry,
  NewProduct,
  Page,
  Product,
  ProductPatch,
  ProductQuery,
  Receipt,
  StreamEvent,
  Written,
} from './product.ts';
import { newKey, nextOf, pagesOf, queryString } from './request.ts';
import { productChanges, type StreamOptions, streamFrom } from './stream.ts';
import { maxTokens, WrittenTokens } from './written-tokens.ts';

/** After this many commands the client waits for its oldest writes: one query can include no more. */
const settledEvery = maxTokens;
/** How long that may delay the exit of a program that has sent its last command. */
const settlingMs = 2_000;

export interface CatalogueOptions {
  /** Where command-api is, for example `http://localhost:8080`; in a browser also a path. */
  commands: string;
  /** Where query-api is, for example `http://localhost:8081`; in a browser also a path, or empty for the page’s own host. */
  queries: string;
  /** Where price-history is, for calls about prices; they throw when it is absent. */
  prices?: string | undefined;
  /**
   * Milliseconds that one call may take, including all its requests and retries; 30 000 when absent. `list` and `history` allow
   * this for each page; `stream` has no limit.
   */
  timeout?: number;
  /** False: reads do not wait for this client’s writes. True when absent. */
  readYourWrites?: boolean;
  /** Called when reads stop waiting for a write because its product is parked and needs an operator. */
  onParked?: (problem: Error) => void;
  /**
   * Called with a write that the client forgets although no query has shown it: it remembers the newest writes of 10 000
   * products.
   */
  onForgotten?: (receipt: Receipt) => void;
  /**
   * Returns an access token, which each request carries. Called for every request, and once more after an API refused the token
   * (401), so it should keep a token until it expires. If it rejects, the call or the stream fails with the same error, and a
   * command that may have arrived with {@link CatalogueUnreachable}; retry inside it. A text that is no token (RFC 6750) fails
   * with a `TypeError`.
   */
  token?: () => Promise<string>;
  /** Sends the requests; the platform’s `fetch` when absent. */
  fetch?: typeof globalThis.fetch;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

/** All requests of one call share these. */
interface Call {
  signal: AbortSignal | undefined;
  /** See `Request`. */
  deadline: number;
}

export interface CommandOptions extends CallOptions {
  /**
   * Identifies the command. Within 24 hours, a second command with the same key does nothing and gets the same answer. When
   * absent, each call makes its own key, so that the client’s retries are safe. Pass a key to retry the call itself.
   */
  idempotencyKey?: string | undefined;
}

export interface ChangeOptions extends CommandOptions {
  /** Apply the command only if the product is at this version; otherwise it fails with `version-mismatch`. */
  ifMatch?: number | undefined;
}

/**
 * Sends commands to the catalogue and queries it. Its queries wait until their answers include its own commands.
 * Every call is retried while an API is down. It fails with `CatalogueProblem` when the API refuses it, and with
 * `CatalogueUnreachable` when the timeout has passed.
 */
export class Catalogue {
  readonly #commands: Connection;
  readonly #queries: Connection;
  readonly #prices: Connection | undefined;
  readonly #tokens: WrittenTokens | undefined;
  readonly #onParked: (problem: Error) => void;
  readonly #onForgotten: (receipt: Receipt) => void;
  #commandCount = 0;
  #isSettling = false;

  /** @throws {TypeError} for an invalid address or timeout. */
  constructor(options: CatalogueOptions) {
    const { commands, queries, prices, readYourWrites = true } = options;
    const connect = connector(options);
    this.#commands = connect('commands', commands);
    this.#queries = connect('queries', queries);
    this.#prices = prices === undefined ? undefined : connect('prices', prices);
    this.#tokens = readYourWrites ? new WrittenTokens() : undefined;
    this.#onParked = options.onParked ?? (() => {});
    this.#onForgotten = options.onForgotten ?? (() => {});
  }

  async create(product: NewProduct, options: CommandOptions = {}): Promise<Receipt> {
    return this.#command('POST', '/products', product, options);
  }

  /** A change without effect succeeds and keeps the version. */
  async change(id: string, patch: ProductPatch, options: ChangeOptions = {}): Promise<Receipt> {
    return this.#command('PATCH', pathOf(id), patch, options);
  }

  /** Discontinues a product for good: later commands on it fail with `product-discontinued`, and queries no longer show it. */
  async discontinue(id: string, options: ChangeOptions = {}): Promise<Receipt> {
    return this.#command('DELETE', pathOf(id), undefined, options);
  }

  /** @throws {CatalogueProblem} `not-found` if the product was discontinued or never existed. */
  async get(id: string, { signal }: CallOptions = {}): Promise<Product> {
    const call = { signal, deadline: this.#queries.deadline() };
    const { body } = await this.#query(pathOf(id), this.#tokens?.of(id) ?? [], call, one);
    return body as Product;
  }

  /** Loads one page of a list: the first, or the one at `cursor`, which is the `next` of an earlier page. */
  async page(query: ProductQuery & { cursor?: string | undefined } = {}, options: CallOptions = {}): Promise<Page> {
    const answer = await this.#page(query, options);
    const next = nextOf(answer)?.get('cursor') ?? undefined;
    return { products: answer.body as Product[], ...(next === undefined ? {} : { next }) };
  }

  /** All products of a list. Loads each page when the loop reaches it. */
  async *list(query: ProductQuery = {}, options: CallOptions = {}): AsyncGenerator<Product> {
    yield* pagesOf<Product>((cursor) => this.#page({ ...query, cursor }, options));
  }

  async #page(query: ProductQuery & { cursor?: string | undefined }, { signal }: CallOptions): Promise<Answer> {
    const call = { signal, deadline: this.#queries.deadline() };
    const unseen = await this.#reachOldest(call);
    return await this.#query(`/products${queryString({ ...query })}`, this.#tokens?.withSeen(unseen) ?? [], call);
  }

  /**
   * The history of a product, newest event first. It comes from the event store, so it is never stale, and remains after the
   * product is discontinued.
   */
  async *history(id: string, { signal }: CallOptions = {}): AsyncGenerator<HistoryEntry> {
    const ask = (before: string | undefined) =>
      this.#commands.send({ method: 'GET', path: `${pathOf(id)}/history${queryString({ before })}`, signal });
    yield* pagesOf<HistoryEntry>(ask, 'before');
  }

  /**
   * The changes of all products, from now on or after `lastEventId`. An event arrives once queries show the change. The stream
   * reconnects and resumes after a lost connection, and ends when the signal is aborted or the loop exits. After `reset`,
   * changes may be missing: reload what you show.
   */
  stream(options: StreamOptions = {}): AsyncGenerator<StreamEvent> {
    return streamFrom(this.#queries, productChanges, options);
  }

  /**
   * The prior price of a product, now or at an instant (RFC 3339): the lowest price of at least the 30 days before its
   * reduction.
   * @throws {CatalogueProblem} `not-found` if the product never had a price.
   */
  async priorPrice(
    id: string,
    query: MarketQuery & { at?: string } = {},
    options: CallOptions = {},
  ): Promise<PriorPrice> {
    const { body } = await this.#priced(`${pathOf(id)}/prior-price${queryString({ ...query })}`, [id], options, one);
    return body as PriorPrice;
  }

  /**
   * The prior prices of up to 100 products now, without those that never had a price.
   * @throws {TypeError} for an id with a comma, which separates ids: `priorPrice` takes it.
   */
  async priorPrices(ids: readonly string[], query: MarketQuery = {}, options: CallOptions = {}): Promise<PriorPrice[]> {
    const several = ids.find((id) => id.includes(','));
    if (several !== undefined) {
      throw new TypeError(`priorPrices takes no id with a comma: ask priorPrice for "${several}"`);
    }
    const path = `/prior-prices${queryString({ ids: ids.join(','), ...query })}`;
    const { body } = await this.#priced(path, ids, options);
    return body as PriorPrice[];
  }

  /** Which price of a product was applied when, the oldest first. Loads each page when the loop reaches it. */
  async *prices(
    id: string,
    query: { from?: string; to?: string } = {},
    options: CallOptions = {},
  ): AsyncGenerator<PricePeriod> {
    yield* pagesOf<PricePeriod>((cursor) =>
      this.#priced(`${pathOf(id)}/prices${queryString({ ...query, cursor })}`, [id], options),
    );
  }

  /** The reductions in force, the largest first. Loads each page when the loop reaches it. */
  async *reductions(query: MarketQuery = {}, options: CallOptions = {}): AsyncGenerator<Reduction> {
    yield* pagesOf<Reduction>((cursor) => this.#priced(`/reductions${queryString({ ...query, cursor })}`, [], options));
  }

  /** Makes reads wait for another client’s write, too. */
  remember(receipt: Receipt): void {
    const forgotten = this.#tokens?.add(receipt);
    if (forgotten !== undefined) this.#onForgotten(forgotten);
  }

  async #command(
    method: 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body: unknown,
    { signal, idempotencyKey = newKey(), ifMatch }: ChangeOptions,
  ): Promise<Receipt> {
    const headers = {
      'idempotency-key': idempotencyKey,
      ...(body === undefined
        ? {}
        : { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }),
      ...(ifMatch === undefined ? {} : { 'if-match': `"${ifMatch}"` }),
    };
    const answer = await this.#commands.send({ method, path, headers, body, signal });
    const { id, version } = answer.body as Written;
    const receipt = { id, version, token: answer.headers.get('consistency-token') ?? '' };
    if (receipt.token !== '') this.remember(receipt);
    this.#commandCount += 1;
    if (this.#commandCount % settledEvery === 0) void this.#settle();
    return receipt;
  }

  /** Sends a query that includes the writes, without those whose product turns out to be parked. */
  async #query(path: string, receipts: readonly Receipt[], call: Call, has?: string): Promise<Answer> {
    for (let written = receipts; ; ) {
      try {
        const answer = await this.#ask(path, written, call, has);
        this.#tokens?.shown(written);
        return answer;
      } catch (error) {
        if (!isProblem(error, 'product-parked') || written.length === 0) throw error;
        written = await this.#dropParked(written, call);
      }
    }
  }

  /** A query about prices, which includes this client’s writes of these products. Queries of products still wait for them. */
  async #priced(path: string, ids: readonly string[], { signal }: CallOptions, has?: string): Promise<Answer> {
    const prices = this.#prices;
    if (prices === undefined) throw new TypeError('prices is missing: the address of price-history');
    const call = { method: 'GET' as const, path, signal, has, deadline: prices.deadline() };
    const tokens = ids.flatMap((id) => this.#tokens?.of(id) ?? []).slice(-maxTokens);
    const headers = { 'consistency-token': tokens.map(({ token }) => token).join(','), prefer: 'wait=5' };
    try {
      return await prices.send({ ...call, ...(tokens.length === 0 ? {} : { headers }) });
    } catch (error) {
      if (!isProblem(error, 'product-parked') || tokens.length === 0) throw error;
      return await prices.send(call);
    }
  }

  async #ask(path: string, receipts: readonly Receipt[], call: Call, has?: string): Promise<Answer> {
    // At most half of the time left: the deadline then leaves room for a refusal, which says how far behind the read model is.
    const wait = Math.min(10, Math.max(1, Math.floor((call.deadline - performance.now()) / 2_000)));
    const tokens = receipts.map(({ token }) => token).join(',');
    const headers = { 'consistency-token': tokens, prefer: `wait=${wait}` };
    return this.#queries.send({ method: 'GET', path, has, ...call, ...(tokens === '' ? {} : { headers }) });
  }

  /**
   * Waits for the oldest writes until one query can include the rest, and returns the rest. Counts only writes made before this
   * call: otherwise a program that keeps writing would never get its list.
   */
  async #reachOldest(call: Call): Promise<readonly Receipt[]> {
    let due = this.#tokens?.unseen() ?? [];
    while (due.length > maxTokens) {
      await this.#query('/products?limit=1', due.slice(0, maxTokens), call);
      due = this.#tokens?.stillUnseen(due.slice(maxTokens)) ?? [];
    }
    return due;
  }

  /** Waits for the oldest writes in the background, so that the next list has few left to wait for. */
  async #settle(): Promise<void> {
    if (this.#isSettling) return;
    this.#isSettling = true;
    try {
      await this.#reachOldest({ signal: undefined, deadline: performance.now() + settlingMs });
    } catch {
      // The next list meets the same error and reports it.
    }
    this.#isSettling = false;
  }

  /**
   * Returns the writes whose product is not parked. The refusal does not say which product is, so this asks for each write
   * alone.
   */
  async #dropParked(receipts: readonly Receipt[], call: Call): Promise<Receipt[]> {
    const others: Receipt[] = [];
    for (const receipt of receipts) {
      try {
        await this.#ask('/products?limit=1', [receipt], call);
        others.push(receipt);
      } catch (error) {
        if (!isProblem(error, 'product-parked')) throw error;
        this.#tokens?.drop(receipt);
        this.#onParked(error);
      }
    }
    return others;
  }
}

/** @throws {TypeError} for an id that a URL cannot carry: dots are path segments, and an empty id means the list. */
function pathOf(id: string): string {
  if (['', '.', '..'].includes(id)) throw new TypeError(`"${id}" cannot be a product's id`);
  return `/products/${encodeURIComponent(id)}`;
}
