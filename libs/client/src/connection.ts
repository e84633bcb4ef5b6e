import { backoff, pause } from './pause.ts';
import { type Api, CatalogueProblem, CatalogueUnreachable, isProblem } from './problem.ts';
import { retryAfterOf } from './retry-after.ts';

/** What is asked of an API. */
export interface Request {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
  signal?: AbortSignal | undefined;
  /** When the call that the request belongs to has to end, by `performance.now()`; a timeout from now when absent. */
  deadline?: number | undefined;
}

/** What it answered, with its body as parsed JSON. */
export interface Answer {
  headers: Headers;
  body: unknown;
}

export interface ConnectionOptions {
  api: Api;
  baseUrl: string;
  fetch: typeof globalThis.fetch;
  /** Milliseconds for a call: all its requests and their repetitions. */
  timeout: number;
}

/** A request takes no longer than this without being repeated: longer than the longest wait of query-api, 10 s. */
const longestAttempt = 15_000;

/** One of the two APIs. A request is repeated until it is answered, refused, or time is up: so it must be safe to repeat. */
export class Connection {
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** When a call that begins now has to end, by `performance.now()`, which goes on evenly when the system’s clock is set. */
  deadline(): number {
    return performance.now() + this.#options.timeout;
  }

  get fetch(): typeof globalThis.fetch {
    return this.#options.fetch;
  }

  url(path: string): string {
    return `${this.#options.baseUrl}${path}`;
  }

  /**
   * @throws {CatalogueProblem} when it is refused, also when it is refused only for now and time is up.
   * @throws {CatalogueUnreachable} when time is up without an answer.
   * @throws {TypeError} at once, for what cannot be put into a request.
   */
  async send(request: Request): Promise<Answer> {
    const { api, timeout } = this.#options;
    const prepared = prepare(request);
    const { deadline = this.deadline() } = request;
    // Earlier requests of the call have used its time.
    if (performance.now() >= deadline) throw new CatalogueUnreachable(api, timeout / 1000, undefined);
    let problem: CatalogueProblem | undefined;
    for (let failures = 1; ; failures++) {
      const outcome = await this.#attempt(prepared, deadline - performance.now());
      if ('answer' in outcome) return outcome.answer;
      request.signal?.throwIfAborted();
      const { error, retryAfter } = outcome;
      // The last try may be cut short: what was answered before says more.
      if (isProblem(error)) problem = error;
      const wait = Math.max(backoff(failures), retryAfter);
      if (performance.now() + wait >= deadline) throw problem ?? new CatalogueUnreachable(api, timeout / 1000, error);
      await pause(wait, request.signal);
    }
  }

  /** One try: an answer, or why it is worth another one. */
  async #attempt(
    { path, signal, init }: Prepared,
    time: number,
  ): Promise<{ answer: Answer } | { error: unknown; retryAfter: number }> {
    const limit = AbortSignal.timeout(Math.ceil(Math.max(1, Math.min(time, longestAttempt))));
    let response: Response;
    let text: string;
    try {
      response = await this.#options.fetch(this.url(path), {
        ...init,
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      text = await response.text();
    } catch (error) {
      // No network, no server, an answer that broke off: fetch does not tell which, and they are treated alike.
      return { error, retryAfter: 0 };
    }
    const parsed = parse(text);
    if (response.ok && parsed !== undefined) return { answer: { headers: response.headers, body: parsed } };
    const problem = new CatalogueProblem(this.#options.api, response.status, parsed);
    if (!isForNow(problem)) throw problem;
    return { error: problem, retryAfter: retryAfterOf(response.headers) };
  }
}

interface Prepared {
  path: string;
  signal: AbortSignal | undefined;
  init: RequestInit;
}

/** Once, and outside of what is repeated: a value that is no JSON, or no header, is not mended by another try. */
function prepare({ method, path, headers, body, signal }: Request): Prepared {
  const init = {
    method,
    headers: new Headers({ accept: 'application/json', ...headers }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  return { path, signal, init };
}

/** Whether the same request may succeed soon. A parked product waits for an operator. */
function isForNow({ status, type }: CatalogueProblem): boolean {
  return [408, 429, 502, 503, 504].includes(status) && type !== 'product-parked';
}

/** Undefined for what is no JSON: the page of a proxy, or nothing. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
