import {
  allowInsecureRequests,
  type AuthorizationServer,
  AuthorizationResponseError,
  authorizationCodeGrantRequest,
  customFetch,
  calculatePKCECodeChallenge,
  type Client,
  discoveryRequest,
  generateRandomCodeVerifier,
  generateRandomNonce,
  generateRandomState,
  getValidatedIdTokenClaims,
  None,
  processAuthorizationCodeResponse,
  processDiscoveryResponse,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
  ResponseBodyError,
  type TokenEndpointResponse,
  validateAuthResponse,
} from 'oauth4webapi';
import { SignedOut } from './signed-out.ts';

/** Where the page signs in, as query-api writes it into the document. */
export interface SignInSettings {
  issuer: string;
  client: string;
  audience: string;
}

export interface SessionOptions {
  settings: SignInSettings;
  /** Called when it is known whether somebody is signed in, and when that changes. */
  changed: (session: Session) => void;
  /** Whether the page may be left: nothing that was typed would be lost. */
  mayLeave: () => boolean;
}

interface Tokens {
  access: string;
  refresh: string | undefined;
  obtainedAt: number;
  expiresAt: number;
  scopes: ReadonlySet<string>;
  subject: string;
}

/** A sign-in that was begun in this tab. It is useless once the sign-in has ended. */
interface Begun {
  state: string;
  nonce: string;
  verifier: string;
  /** The query of the page's address, to return to. */
  from: string;
}

const asked = 'openid catalogue:read catalogue:write';
const begunAs = 'sign-in';
/** Says that somebody was signed in in this tab: after a reload, the issuer is asked without a question to the user. */
const wasSignedInAs = 'signed-in';
const answerTimeoutMs = 10_000;
const againMs = 2_000;
const longestMarginMs = 30_000;
/** A token that is refused earlier than this would be refused again: another one would not help. */
const freshMs = 5_000;
/** Refusals of a refresh token, or of the page, for good (RFC 6749, 5.2). */
const finalRefusals: readonly string[] = ['invalid_grant', 'invalid_client', 'unauthorized_client'];
/** Any other refusal counts as final when it is the last of so many in a row. */
const maxRefusals = 5;
/** Refusals for now: the request may be sent again. */
const passing: readonly number[] = [408, 429];
/** A session that ends earlier does not begin again by itself, so that nothing goes in circles. */
const shortestMs = 30_000;

/**
 * Who is signed in, and the access token. Tokens are in memory only: after a reload, the issuer is asked for new ones.
 * The authorization code flow with PKCE leaves the page and returns to it, so a user who is signed out stays so until
 * the page loads again.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #client: Client;
  readonly #begun: Promise<void>;
  readonly #channel = new BroadcastChannel('signed out');
  #server: AuthorizationServer | undefined;
  #tokens: Tokens | undefined;
  #renewing: Promise<void> | undefined;
  #refused = '';
  #isLeaving = false;
  #fault = '';

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#client = { client_id: options.settings.client };
    this.#channel.addEventListener('message', ({ data }: MessageEvent<string>) => {
      if (data !== this.subject) return;
      this.#forget();
      location.reload();
    });
    // "Back" shows the page as it was, with what it had in memory.
    addEventListener('pageshow', ({ persisted }) => {
      if (persisted && (this.#tokens === undefined || this.#isLeaving)) location.reload();
    });
    this.#begun = this.#begin();
  }

  /** Undefined while the user is signed out. */
  get subject(): string | undefined {
    return this.#tokens?.subject;
  }

  get scopes(): ReadonlySet<string> {
    return this.#tokens?.scopes ?? new Set();
  }

  /** A sentence that says why the user is signed out; empty without a special reason. */
  get fault(): string {
    return this.#fault;
  }

  /** The access token, renewed before it ends. Waits only if the present one cannot be used. @throws {SignedOut} */
  async token(): Promise<string> {
    await this.#begun;
    const tokens = this.#tokens;
    if (tokens !== undefined && this.#isOld(tokens)) {
      this.#renewing ??= this.#renew(tokens).finally(() => (this.#renewing = undefined));
      if (!this.#isUsable(tokens)) await this.#renewing;
    }
    if (this.#tokens === undefined) throw new SignedOut('Nobody is signed in');
    return this.#tokens.access;
  }

  /** An API refused this token: the next one will be another. */
  refuse(token: string): void {
    if (this.#tokens?.access === token && Date.now() - this.#tokens.obtainedAt > freshMs) this.#refused = token;
  }

  /** For clients that send the token: notices when an API refuses it. */
  readonly fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await globalThis.fetch(input, init);
    if (response.status === 401) this.refuse(new Headers(init?.headers).get('authorization')?.slice(7) ?? '');
    return response;
  };

  /** A picture of an API, which an image could not get: it sends no token. */
  async picture(address: string, signal: AbortSignal): Promise<Blob> {
    const headers = { authorization: `Bearer ${await this.token()}` };
    const response = await this.fetch(address, { headers, redirect: 'error', signal });
    if (!response.ok) throw new Error(`${address} answered ${response.status}`);
    return await response.blob();
  }

  /** Leaves the page, which comes back signed in. */
  async signIn(): Promise<void> {
    try {
      await this.#discoverAnew();
      await this.#authorize({});
    } catch (error) {
      this.#end(faultOf(error));
    }
  }

  /** Signs out in all tabs of this subject, and at the issuer if it offers that. */
  async signOut(): Promise<void> {
    const { subject } = this;
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- A channel has no target: it is of one origin.
    this.#channel.postMessage(subject);
    this.#forget();
    try {
      const { end_session_endpoint: endpoint } = await this.#discoverAnew();
      if (endpoint === undefined) location.reload();
      else this.#goTo(endpoint, { post_logout_redirect_uri: pageUrl() });
    } catch (error) {
      // The issuer does not end its own session; this page is signed out all the same.
      reportError(error);
      location.reload();
    }
  }

  #forget(): void {
    sessionStorage.removeItem(wasSignedInAs);
    this.#tokens = undefined;
  }

  async #begin(): Promise<void> {
    const parameters = new URLSearchParams(location.search);
    const isAnswer = parameters.has('state') && (parameters.has('code') || parameters.has('error'));
    try {
      await (isAnswer ? this.#finish(parameters) : this.#resume());
    } catch (error) {
      sessionStorage.removeItem(wasSignedInAs);
      this.#fault = faultOf(error);
    }
    this.#options.changed(this);
  }

  /** After a reload. */
  async #resume(): Promise<void> {
    if (sessionStorage.getItem(wasSignedInAs) !== null) await this.#authorize({ prompt: 'none' });
  }

  async #finish(parameters: URLSearchParams): Promise<void> {
    const begun = JSON.parse(sessionStorage.getItem(begunAs) ?? 'null') as Begun | null;
    sessionStorage.removeItem(begunAs);
    // Before anything else sees them: code and state stay neither in the address nor in the history.
    history.replaceState(null, '', location.pathname + (begun?.from ?? ''));
    if (begun === null) throw new SignedOut('No sign-in was begun in this tab');
    const server = await this.#discover();
    const checked = validateAuthResponse(server, this.#client, parameters, begun.state);
    const { verifier, nonce: expectedNonce } = begun;
    const response = await authorizationCodeGrantRequest(
      server,
      this.#client,
      None(),
      checked,
      pageUrl(),
      verifier,
      this.#request(),
    );
    const answer = await processAuthorizationCodeResponse(server, this.#client, response, {
      expectedNonce,
      requireIdToken: true,
    });
    const subject = getValidatedIdTokenClaims(answer)?.sub ?? '';
    this.#take(answer, { subject, refresh: undefined, scopes: new Set(asked.split(' ')) });
    sessionStorage.setItem(wasSignedInAs, 'yes');
  }

  /** What an answer leaves out stays as it was. */
  #take(answer: TokenEndpointResponse, before: Pick<Tokens, 'subject' | 'refresh' | 'scopes'>): void {
    const now = Date.now();
    this.#tokens = {
      access: answer.access_token,
      refresh: answer.refresh_token ?? before.refresh,
      obtainedAt: now,
      expiresAt: now + (answer.expires_in ?? Number.POSITIVE_INFINITY) * 1000,
      scopes: answer.scope === undefined ? before.scopes : new Set(answer.scope.split(' ')),
      subject: before.subject,
    };
  }

  #isOld({ access, obtainedAt, expiresAt }: Tokens): boolean {
    const margin = Math.min(longestMarginMs, (expiresAt - obtainedAt) / 4);
    return access === this.#refused || Date.now() > expiresAt - margin;
  }

  #isUsable({ access, expiresAt }: Tokens): boolean {
    return access !== this.#refused && Date.now() < expiresAt;
  }

  /**
   * Ends with another token or with none; without a refresh token, with the same while it can be used. Waits while the
   * issuer is away.
   */
  async #renew(tokens: Tokens): Promise<void> {
    if (tokens.refresh === undefined) {
      if (!this.#isUsable(tokens)) await this.#beginAgain(tokens);
      return;
    }
    for (let refusals = 0; this.#tokens === tokens; ) {
      try {
        const server = await this.#discover();
        const response = await refreshTokenGrantRequest(server, this.#client, None(), tokens.refresh, this.#request());
        const answer = await processRefreshTokenResponse(server, this.#client, response);
        // The user may have signed out meanwhile.
        if (this.#tokens === tokens) this.#take(answer, tokens);
        return;
      } catch (error) {
        refusals = isRefusal(error) ? refusals + 1 : 0;
        const isFinal = error instanceof ResponseBodyError && finalRefusals.includes(error.error);
        if (isFinal || refusals === maxRefusals) await this.#beginAgain(tokens);
        else await pause();
      }
    }
  }

  /**
   * Asks the issuer for a new authorization, without a question to the user; if that would lose something, tells the
   * user. The page stays while the issuer is away.
   */
  async #beginAgain(tokens: Tokens): Promise<void> {
    while (this.#tokens === tokens) {
      if (!this.#options.mayLeave() || Date.now() - tokens.obtainedAt < shortestMs) {
        this.#end('Your sign-in has ended.');
        return;
      }
      if (await this.#isIssuerAway()) await pause();
      else if (this.#options.mayLeave())
        await this.#authorize({ prompt: 'none' }).catch((error: unknown) => this.#end(faultOf(error)));
    }
  }

  /** Leaving for an issuer that is away would replace the page by the browser's error. */
  #isIssuerAway(): Promise<boolean> {
    return this.#discoverAnew().then(
      () => false,
      () => true,
    );
  }

  #end(fault: string): void {
    this.#tokens = undefined;
    this.#fault = fault;
    this.#options.changed(this);
  }

  /** Leaves the page for the issuer's. Never resolves. */
  async #authorize(more: Record<string, string>): Promise<never> {
    if (!isSecureContext) throw new Error('A browser signs in only over HTTPS');
    const { authorization_endpoint: endpoint = '' } = await this.#discover();
    const [verifier, state, nonce] = [generateRandomCodeVerifier(), generateRandomState(), generateRandomNonce()];
    const begun: Begun = { state, nonce, verifier, from: location.search };
    sessionStorage.setItem(begunAs, JSON.stringify(begun));
    this.#goTo(endpoint, {
      redirect_uri: pageUrl(),
      response_type: 'code',
      scope: asked,
      state,
      nonce,
      code_challenge: await calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      ...this.#resource,
      ...more,
    });
    return await new Promise(() => {});
  }

  #goTo(endpoint: string, parameters: Record<string, string>): void {
    const url = new URL(endpoint);
    if (url.protocol !== 'https:' && !this.#isLocal) throw new Error('The issuer names an address without HTTPS');
    for (const [name, value] of Object.entries({ client_id: this.#client.client_id, ...parameters }))
      url.searchParams.set(name, value);
    this.#isLeaving = true;
    location.assign(url);
  }

  /** Names the APIs to issuers that know more than one (RFC 8707). */
  get #resource(): Record<string, string> {
    const { audience } = this.#options.settings;
    return /^https?:/.test(audience) ? { resource: audience } : {};
  }

  /** query-api accepts issuers without HTTPS on its own machine only. */
  get #isLocal(): boolean {
    return this.#options.settings.issuer.startsWith('http:');
  }

  #request() {
    return {
      // oxlint-disable-next-line typescript/no-deprecated -- Deprecated as a warning: for tests and development only.
      [allowInsecureRequests]: this.#isLocal,
      additionalParameters: this.#resource,
      signal: AbortSignal.timeout(answerTimeoutMs),
    };
  }

  async #discover(): Promise<AuthorizationServer> {
    return this.#server ?? (await this.#discoverAnew());
  }

  /** Fails while the issuer is away. */
  async #discoverAnew(): Promise<AuthorizationServer> {
    const issuer = new URL(this.#options.settings.issuer);
    const uncached = (url: string, init: object) => fetch(url, { ...init, cache: 'no-store' });
    const response = await discoveryRequest(issuer, { ...this.#request(), [customFetch]: uncached });
    this.#server = await processDiscoveryResponse(issuer, response);
    return this.#server;
  }
}

/** An answer of the issuer that blames the request, and does not ask to send it again. */
function isRefusal(error: unknown): boolean {
  const { status, cause } = error as { status?: number; cause?: unknown };
  const answered = status ?? (cause instanceof Response ? cause.status : 0);
  return answered >= 400 && answered < 500 && !passing.includes(answered);
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, againMs));
}

/** Where the issuer sends the browser back to. */
function pageUrl(): string {
  return location.origin + location.pathname;
}

function faultOf(error: unknown): string {
  if (error instanceof AuthorizationResponseError) {
    // The answer to a question without a dialog.
    const isQuiet = ['login_required', 'interaction_required', 'consent_required'].includes(error.error);
    return isQuiet ? '' : `The issuer refused to sign you in (${error.error_description ?? error.error}).`;
  }
  const why = error instanceof Error ? error.message : String(error);
  return `You could not be signed in (${why}).`;
}
