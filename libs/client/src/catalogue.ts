import { addressOf } from './address.ts';
import { type Answer, Connection } from './connection.ts';
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
import { type StreamOptions, streamFrom } from './stream.ts';
import { maxTokens, WrittenTokens } from './written-tokens.ts';

/** After so many commands, as many writes as a query can wait for may be overdue. */
const settledEvery = maxTokens;
/** As long as a program that has written its last may have to wait for its end. */
const settlingMs = 2_000;

export interface CatalogueOptions {
  /** Where command-api is, for example `http://localhost:8080`; in a browser also a path. */
  commands: string;
  /** Where query-api is, for example `http://localhost:8081`; in a browser also a path, or empty for the page’s own host. */
  queries: string;
  /**
   * Milliseconds that a call may take, with all requests that it needs and their repetitions; 30 000 when absent. It holds for each
   * page that `list` and `history` load, and not for `stream`.
   */
  timeout?: number;
  /** False: reads do not wait for this client’s writes, and it remembers none. True when absent. */
  readYourWrites?: boolean;
  /** Told of a write that reads no longer wait for, because an event of its product waits for an operator. */
  onParked?: (problem: Error) => void;
  /** Told of a write that reads no longer wait for, because no query has shown it or the 10 000 products written after it. */
  onForgotten?: (receipt: Receipt) => void;
  /** What sends the requests; the platform’s own when absent. */
  fetch?: typeof globalThis.fetch;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

/** What all requests of one call share. */
interface Call {
  signal: AbortSignal | undefined;
  /** See `Request`. */
  deadline: number;
}

export interface CommandOptions extends CallOptions {
  /**
   * Names the command: sent again with the same key, within a day, it does nothing more and is answered the same. One is made for
   * every call when absent, so that the client’s own repetitions are safe; give one to repeat the call itself.
   */
  idempotencyKey?: string | undefined;
}

export interface ChangeOptions extends CommandOptions {
  /** Carry it out only if the product is at this version; otherwise it fails as `version-mismatch`. */
  ifMatch?: number | undefined;
}

/**
 * The catalogue’s commands and queries. Whatever it wrote, it reads: its queries wait until they include its commands.
 * Every call is repeated while an API is away, and fails with `CatalogueProblem` when it is refused or with
 * `CatalogueUnreachable` when time is up.
 */
export class Catalogue {
  readonly #commands: Connection;
  readonly #queries: Connection;
  readonly #tokens: WrittenTokens | undefined;
  readonly #onParked: (problem: Error) => void;
  readonly #onForgotten: (receipt: Receipt) => void;
  #commandCount = 0;
  #isSettling = false;

  /** @throws {TypeError} for addresses and times that cannot be. */
  constructor(options: CatalogueOptions) {
    const { commands, queries, timeout = 30_000, readYourWrites = true } = options;
    // Called as a function of the platform's: browsers refuse to run it as a method of something else.
    const { fetch = (...args) => globalThis.fetch(...args) } = options;
    if (!(timeout > 0)) throw new TypeError(`timeout must be a number of milliseconds above 0; it is ${timeout}`);
    const connect = (api: 'commands' | 'queries', address: string) =>
      new Connection({ api, baseUrl: addressOf(api, address), fetch, timeout });
    this.#commands = connect('commands', commands);
    this.#queries = connect('queries', queries);
    this.#tokens = readYourWrites ? new WrittenTokens() : undefined;
    this.#onParked = options.onParked ?? (() => {});
    this.#onForgotten = options.onForgotten ?? (() => {});
  }

  async create(product: NewProduct, options: CommandOptions = {}): Promise<Receipt> {
    return this.#command('POST', '/products', product, options);
  }

  /** A change that changes nothing succeeds, and keeps the version. */
  async change(id: string, patch: ProductPatch, options: ChangeOptions = {}): Promise<Receipt> {
    return this.#command('PATCH', pathOf(id), patch, options);
  }

  /** For good: every later command on it fails as `product-discontinued`, and queries do not show it. */
  async discontinue(id: string, options: ChangeOptions = {}): Promise<Receipt> {
    return this.#command('DELETE', pathOf(id), undefined, options);
  }

  /** @throws {CatalogueProblem} `not-found` for a product that was discontinued or never there. */
  async get(id: string, { signal }: CallOptions = {}): Promise<Product> {
    const call = { signal, deadline: this.#queries.deadline() };
    const { body } = await this.#query(pathOf(id), this.#tokens?.of(id) ?? [], call);
    return body as Product;
  }

  /** One page of a list: the first, or the one that begins at another page’s `next`. */
  async page(query: ProductQuery & { cursor?: string | undefined } = {}, options: CallOptions = {}): Promise<Page> {
    const call = { signal: options.signal, deadline: this.#queries.deadline() };
    const unseen = await this.#reachOldest(call);
    const written = this.#tokens?.withSeen(unseen) ?? [];
    const answer = await this.#query(`/products${queryString({ ...query })}`, written, call);
    const next = nextOf(answer)?.get('cursor') ?? undefined;
    return { products: answer.body as Product[], ...(next === undefined ? {} : { next }) };
  }

  /** All products of a list, loaded page by page as they are asked for. */
  async *list(query: ProductQuery = {}, options: CallOptions = {}): AsyncGenerator<Product> {
    let cursor: string | undefined;
    do {
      const { products, next } = await this.page({ ...query, cursor }, options);
      yield* products;
      cursor = next;
    } while (cursor !== undefined);
  }

  /** The history of a product, newest event first, from the event store: never behind, and also after it was discontinued. */
  async *history(id: string, { signal }: CallOptions = {}): AsyncGenerator<HistoryEntry> {
    let before: string | undefined;
    do {
      const path = `${pathOf(id)}/history${queryString({ before })}`;
      const answer = await this.#commands.send({ method: 'GET', path, signal });
      yield* answer.body as HistoryEntry[];
      before = nextOf(answer)?.get('before') ?? undefined;
    } while (before !== undefined);
  }

  /**
   * The changes of all products as queries begin to show them, from now on or after `lastEventId`. Ends when the signal is
   * aborted or the loop is left; a lost connection is taken up again where it broke off. After `reset` something may have been
   * missed: load again what is shown.
   */
  stream(options: StreamOptions = {}): AsyncGenerator<StreamEvent> {
    return streamFrom(this.#queries, options);
  }

  /** Lets reads wait for a write of another client’s, too. */
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

  /** Queries until the answer includes the writes, except those that turn out to wait for an operator. */
  async #query(path: string, receipts: readonly Receipt[], call: Call): Promise<Answer> {
    for (let written = receipts; ; ) {
      try {
        const answer = await this.#ask(path, written, call);
        this.#tokens?.shown(written);
        return answer;
      } catch (error) {
        if (!isProblem(error, 'product-parked') || written.length === 0) throw error;
        written = await this.#dropParked(written, call);
      }
    }
  }

  async #ask(path: string, receipts: readonly Receipt[], call: Call): Promise<Answer> {
    // Two waits at least within the time of a call: an answer in between tells how far behind the read model is.
    const wait = Math.min(10, Math.max(1, Math.floor((call.deadline - performance.now()) / 2_000)));
    const tokens = receipts.map(({ token }) => token).join(',');
    const headers = { 'consistency-token': tokens, prefer: `wait=${wait}` };
    return this.#queries.send({ method: 'GET', path, ...call, ...(tokens === '' ? {} : { headers }) });
  }

  /**
   * Of more writes than one query can include, waits for the oldest, and returns the others. Only writes made before this call
   * count: a program that goes on writing would never come to the end.
   */
  async #reachOldest(call: Call): Promise<readonly Receipt[]> {
    let due = this.#tokens?.unseen() ?? [];
    while (due.length > maxTokens) {
      await this.#query('/products?limit=1', due.slice(0, maxTokens), call);
      due = this.#tokens?.stillUnseen(due.slice(maxTokens)) ?? [];
    }
    return due;
  }

  /** While much is being written, the oldest writes are asked for meanwhile: the next list has few left to wait for. */
  async #settle(): Promise<void> {
    if (this.#isSettling) return;
    this.#isSettling = true;
    try {
      await this.#reachOldest({ signal: undefined, deadline: performance.now() + settlingMs });
    } catch {
      // Whatever it is, the next list meets it, and fails with it.
    }
    this.#isSettling = false;
  }

  /** Returns the writes that are not parked. The refusal does not tell which of them is, so each is asked for by itself. */
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

/** @throws {TypeError} for an id that no address can name: dots are steps in a path, and nothing is the list of all. */
function pathOf(id: string): string {
  if (['', '.', '..'].includes(id)) throw new TypeError(`"${id}" cannot be a product's id`);
  return `/products/${encodeURIComponent(id)}`;
}

function queryString(parameters: Record<string, string | number | undefined>): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined && value !== '') given.set(name, String(value));
  }
  return given.size === 0 ? '' : `?${given.toString()}`;
}

/** The parameters of the next page’s address (RFC 8288); its path is as the API sees itself, which a gateway may change. */
function nextOf({ headers }: Answer): URLSearchParams | undefined {
  const [, target] = /<([^<>]*)>\s*;\s*rel="?next"?/.exec(headers.get('link') ?? '') ?? [];
  return target === undefined ? undefined : new URL(target, 'http://relative').searchParams;
}

/** 128 bits of chance. Not `crypto.randomUUID`, which browsers have in secure contexts only. */
function newKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
