import { backoffMs } from './backoff.ts';
import { loadJson } from './load-json.ts';

/** A client of an issuer. */
interface ClientCredentialsOptions {
  tokenUrl: string;
  clientId: string;
  /** Read for each token, so that it can change without a restart. */
  clientSecret: () => string;
  /** Scopes, separated by spaces; the issuer decides when empty. */
  scope: string;
  /** The API that the token is for (RFC 8707); the issuer decides when empty. */
  resource?: string;
}

export interface AccessToken {
  value: string;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

export interface AccessTokenLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
}

/** Milliseconds after a failure in which the issuer is not asked again, however many ask for a token. */
const pauseMs = 2_000;

/** How long a refused new token is kept: an API may not know the issuer's new key yet. Doubled with each token. */
const freshMs = { firstMs: 5_000, maxMs: 60_000 };

/** Fetches the access tokens that this process sends to other services (RFC 6749, 4.4). Keeps each for most of its time. */
export class ClientCredentials {
  readonly #options: ClientCredentialsOptions;
  #token: AccessToken | undefined;
  #fetchedAt = 0;
  #renewAt = 0;
  #refused: string | undefined;
  /** Tokens that were refused, one after the other. */
  #refusals = 0;
  #fetching: Promise<void> | undefined;
  /** Why the last attempt failed; undefined after a success. */
  #fault: unknown;
  #failedAt = Number.NEGATIVE_INFINITY;
  #isFailing = false;

  constructor(options: ClientCredentialsOptions) {
    this.#options = options;
  }

  /**
   * A token that is valid now. After three quarters of its time it is renewed in the background: an issuer that hangs
   * delays no caller while the token is valid. A caller that keeps its token passes it as `known`, and then waits for
   * the next one; if that does not come, it gets the same token until its end. Logs when the issuer stops giving
   * tokens, and when it gives them again. Rejects if there is no token; call again later.
   */
  async token(log?: AccessTokenLog, known?: string): Promise<AccessToken> {
    const now = Date.now();
    const token = this.#token;
    const isRefused = token?.value === this.#refused;
    if (token !== undefined && now < this.#renewAt && !isRefused) return token;
    const renewed = this.#renew(log);
    if (token !== undefined && now < token.expiresAt && token.value !== known && !isRefused) return token;
    await renewed;
    const next = this.#token;
    if (next !== undefined && (next !== token || Date.now() < next.expiresAt)) return next;
    throw this.#fault;
  }

  /**
   * An API refused this token, so `token` fetches another: the issuer may have replaced its key, or granted a scope.
   * Tokens that are refused one after the other are replaced more and more rarely, down to once a minute.
   */
  refuse(value: string): void {
    if (this.#token?.value !== value || this.#refused === value) return;
    if (performance.now() - this.#fetchedAt < backoffMs(this.#refusals, freshMs)) return;
    this.#refused = value;
    this.#refusals += 1;
  }

  /** Asks the issuer, unless that failed just now. Never rejects. */
  async #renew(log: AccessTokenLog | undefined): Promise<void> {
    if (this.#fetching === undefined && performance.now() - this.#failedAt < pauseMs) return;
    this.#fetching ??= this.#fetch(log).finally(() => (this.#fetching = undefined));
    await this.#fetching;
  }

  async #fetch(log: AccessTokenLog | undefined): Promise<void> {
    const now = Date.now();
    try {
      this.#token = await fetchToken(this.#options, now);
      this.#renewAt = now + ((this.#token.expiresAt - now) * 3) / 4;
      this.#fetchedAt = performance.now();
      if (this.#refused === undefined) this.#refusals = 0;
      this.#refused = undefined;
      this.#failedAt = Number.NEGATIVE_INFINITY;
    } catch (err) {
      this.#fault = err;
      this.#failedAt = performance.now();
      if (!this.#isFailing) log?.warn({ err }, 'The issuer gives no access token; trying again');
      this.#isFailing ||= log !== undefined;
      return;
    }
    if (this.#isFailing) log?.info({}, 'The issuer gives access tokens again');
    this.#isFailing = false;
  }
}

async function fetchToken(options: ClientCredentialsOptions, now: number): Promise<AccessToken> {
  const { tokenUrl, clientId, clientSecret, scope, resource = '' } = options;
  const credentials = [clientId, clientSecret()].map(formEncoded).join(':');
  const answer = (await loadJson(tokenUrl, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      ...(scope === '' ? {} : { scope }),
      ...(resource === '' ? {} : { resource }),
    }),
  })) as { access_token?: unknown; expires_in?: unknown };
  const { access_token: value, expires_in: seconds } = answer;
  if (typeof value !== 'string' || !/^[\x21-\x7e]+$/.test(value))
    throw new Error(`${tokenUrl} answered without a token`);
  if (typeof seconds !== 'number' || !(seconds > 0)) throw new Error(`${tokenUrl} does not say when its token expires`);
  return { value, expiresAt: now + seconds * 1_000 };
}

/** The form of ids and secrets in the header (RFC 6749, 2.3.1). */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}
