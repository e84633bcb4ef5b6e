import { addressOf } from './address.ts';
import { backoff, pause } from './pause.ts';
import { type Api, CatalogueProblem, CatalogueUnreachable, isProblem } from './problem.ts';
import { retryAfterOf } from './retry-after.ts';
import { NoToken, withToken } from './token.ts';

/** A member of every answer that is one product, promotion or prior price. */
export const one = 'version';

/** A request to an API. */
export interface Request {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  path: string;
  headers?: Record<string, string>;
  body?: unknown;
  /**
   * A member of the answer's body, which tells it from that of another server. When absent, `length` for a GET, because
   * it asks for a list, and `version` for a command.
   */
  has?: string | undefined;
  signal?: AbortSignal | undefined;
  /** When the call has to end, on the clock of `performance.now()`; one timeout from now when absent. */
  deadline?: number | undefined;
}

/** An answer, with its body parsed as JSON. */
export interface Answer {
  headers: Headers;
  body: unknown;
}

/** How a client calls its APIs. */
export interface CallerOptions {
  /** Milliseconds that one call may take, including all its requests and retries; 30 000 when absent. */
  timeout?: number | undefined;
  token?: (() => Promise<string>) | undefined;
  fetch?: typeof globalThis.fetch | undefined;
}

export interface ConnectionOptions {
  api: Api;
  baseUrl: string;
  fetch: typeof globalThis.fetch;
  /** Milliseconds for a call, including all its requests and retries. */
  timeout: number;
}

/** How long one attempt may take: longer than query-api’s longest wait, 10 s. */
const maxAttemptMs = 15_000;

/**
 * Makes the connections of a client.
 * @throws {TypeError} for an invalid timeout; the function that it returns, for an invalid address.
 */
export function connector({ timeout = 30_000, token, fetch: given }: CallerOptions) {
  // Follows no redirect: fetch would send a POST on as a GET, so a list could seem to answer a command, and would send the
  // access token to another origin. `given` is called alone, because browsers throw when fetch is a method of another object.
  const plain: typeof globalThis.fetch = (input, init) =>
    (given ?? globalThis.fetch)(input, { ...init, redirect: 'manual' });
  const fetch = token === undefined ? plain : withToken(plain, token);
  if (!(timeout > 0)) throw new TypeError(`timeout must be above 0 milliseconds; it is ${timeout}`);
  return (api: Api, address: string) => new Connection({ api, baseUrl: addressOf(api, address), fetch, timeout });
}

/**
 * A connection to one of the APIs. It retries a request until the API answers or refuses it, or until the deadline, so every
 * request must be safe to retry.
 */
export class Connection {
  readonly #options: ConnectionOptions;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  /** The deadline of a call that starts now, by `performance.now()`: setting the system’s clock does not move it. */
  deadline(): number {
    return performance.now() + this.#options.timeout;
  }

  get api(): Api {
    return this.#options.api;
  }

  get fetch(): typeof globalThis.fetch {
    return this.#options.fetch;
  }

  url(path: string): string {
    return `${this.#options.baseUrl}${path}`;
  }

  /**
   * @throws {CatalogueProblem} when the API refuses the request, or has refused it “for now” until the deadline.
   * @throws {CatalogueUnreachable} when the deadline passes without an answer, and when there is no token to send a
   * command again that may have arrived.
   * @throws {TypeError} at once, for a value that a request cannot carry.
   * @throws at once what the option `token` rejects with, if no command may have arrived.
   */
  async send(request: Request): Promise<Answer> {
    const { api, timeout } = this.#options;
    const prepared = prepare(request);
    const { deadline = this.deadline() } = request;
    // Earlier requests of the same call used up its time.
    if (performance.now() >= deadline) throw new CatalogueUnreachable(api, timeout / 1000, undefined);
    let problem: CatalogueProblem | undefined;
    let mayHaveArrived = false;
    for (let failures = 1; ; failures++) {
      const outcome = await this.#attempt(prepared, deadline - performance.now());
      if ('answer' in outcome) return outcome.answer;
      request.signal?.throwIfAborted();
      const { error, retryAfter } = outcome;
      if (error instanceof NoToken) {
        if (!mayHaveArrived) throw error.cause;
        const seconds = Math.ceil((performance.now() - deadline + timeout) / 1000);
        throw new CatalogueUnreachable(api, seconds, error.cause);
      }
      mayHaveArrived ||= request.method !== 'GET' && !isProblem(error, 'too-many-requests', 'overloaded');
      // The deadline may cut the last attempt short: an earlier refusal says more.
      if (isProblem(error)) problem = error;
      const wait = Math.max(backoff(failures), retryAfter);
      if (performance.now() + wait >= deadline) throw problem ?? new CatalogueUnreachable(api, timeout / 1000, error);
      await pause(wait, request.signal);
    }
  }

  /** One attempt: the answer, or the reason to retry. */
  async #attempt(
    { path, signal, init, has }: Prepared,
    time: number,
  ): Promise<{ answer: Answer } | { error: unknown; retryAfter: number }> {
    const limit = AbortSignal.timeout(Math.ceil(Math.max(1, Math.min(time, maxAttemptMs))));
    let response: Response;
    let text: string;
    try {
      response = await this.#options.fetch(this.url(path), {
        ...init,
        signal: signal ? AbortSignal.any([signal, limit]) : limit,
      });
      text = await response.text();
    } catch (error) {
      // No network, no server, or a truncated answer: fetch does not tell them apart. Or no token.
      return { error, retryAfter: 0 };
    }
    const parsed = parse(text);
    if (response.ok && Object(parsed) === parsed && has in (parsed as object))
      return { answer: { headers: response.headers, body: parsed } };
    const problem = new CatalogueProblem(this.#options.api, response.status, parsed);
    if (!isForNow(problem)) throw problem;
    return { error: problem, retryAfter: retryAfterOf(response.headers) };
  }
}

interface Prepared {
  path: string;
  signal: AbortSignal | undefined;
  init: RequestInit;
  has: string;
}

/** Runs once, outside the retry loop: a retry does not fix a value that is not JSON, or not a valid header. */
function prepare({ method, path, headers, body, has = method === 'GET' ? 'length' : one, signal }: Request): Prepared {
  const init = {
    method,
    headers: new Headers({ accept: 'application/json', ...headers }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  return { path, signal, init, has };
}

/** Whether the same request may succeed soon. A parked product needs an operator. */
function isForNow({ status, type }: CatalogueProblem): boolean {
  return [408, 429, 502, 503, 504].includes(status) && type !== 'product-parked';
}

/** Undefined if the text is not JSON, such as a proxy’s error page or an empty body. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
