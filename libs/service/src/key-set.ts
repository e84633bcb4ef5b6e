import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import type { DependencyState } from './health.ts';
import { loadJson } from './load-json.ts';
import type { Logger } from './logger.ts';
import { Problem } from './problem.ts';
import { isTrustworthy, type TokenRules } from './auth-settings.ts';

/** Older keys are loaded again when a token is verified or readiness is checked. Until then they stay in use. */
const maxAgeMs = 600_000;
/** Made-up key ids cause at most one request to the issuer in this time; a new key is accepted after it at the latest. */
const pauseMs = 5_000;

/**
 * The issuer's keys. While the issuer is away, the last known keys stay in use. jose's own remote key set would refuse
 * every token then (6.2.18, `cacheMaxAge`).
 */
export class KeySet {
  readonly #rules: TokenRules;
  readonly #log: Logger;
  readonly #onChange: () => void;
  #find: JWTVerifyGetKey | undefined;
  #text = '';
  #loadedAt = Number.NEGATIVE_INFINITY;
  #triedAt = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;
  #fault: string | undefined;

  /** `onChange` is called when the keys have changed. */
  constructor(rules: TokenRules, log: Logger, onChange: () => void) {
    this.#rules = rules;
    this.#log = log;
    this.#onChange = onChange;
  }

  /** The key that signed a token. Rejects with a Problem if no keys are known, with an error of jose if none fits. */
  readonly key: JWTVerifyGetKey = async (header, token) => {
    await this.#provide();
    if (this.#find === undefined) throw unavailable();
    try {
      return await this.#find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await this.#load();
      return await this.#find(header, token);
    }
  };

  /** A service without keys is not ready; one with old keys is. */
  async state(): Promise<DependencyState> {
    await this.#provide();
    if (this.#find === undefined) return { status: 'down', detail: this.#fault ?? 'The keys are not known yet' };
    return this.#fault === undefined
      ? { status: 'up' }
      : { status: 'up', detail: `${this.#fault}; the known keys stay in use` };
  }

  /** Waits for the first keys. Old keys are loaded again meanwhile: an issuer that hangs delays no request. */
  async #provide(): Promise<void> {
    if (this.#find === undefined) await this.#load();
    else if (performance.now() - this.#loadedAt > maxAgeMs) void this.#load();
  }

  /** Loads the keys, unless that was tried just now. Never rejects. */
  async #load(): Promise<void> {
    if (this.#loading === undefined && performance.now() - this.#triedAt < pauseMs) return;
    this.#loading ??= this.#replace().finally(() => (this.#loading = undefined));
    await this.#loading;
  }

  async #replace(): Promise<void> {
    this.#triedAt = performance.now();
    try {
      const keys = await loadKeys(this.#rules);
      const text = JSON.stringify(keys);
      if (text !== this.#text) {
        this.#find = createLocalJWKSet(keys);
        this.#text = text;
        this.#onChange();
      }
      this.#loadedAt = performance.now();
      if (this.#fault !== undefined) this.#log.info('The keys of the issuer can be loaded again');
      this.#fault = undefined;
    } catch (err) {
      if (this.#fault === undefined) this.#log.warn({ err }, 'The keys of the issuer cannot be loaded; trying again');
      this.#fault = 'The keys of the issuer cannot be loaded';
    }
  }
}

function unavailable(): Problem {
  return new Problem('unavailable', 'The keys of the issuer are not known yet', { headers: { 'retry-after': '5' } });
}

async function loadKeys({ issuer, jwksUrl }: TokenRules): Promise<JSONWebKeySet> {
  const keys = await loadJson(jwksUrl ?? (await discover(issuer ?? '')));
  return keys as JSONWebKeySet; // createLocalJWKSet checks it.
}

async function discover(issuer: string): Promise<string> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
  const { issuer: said, jwks_uri: keys } = (await loadJson(address)) as { issuer?: unknown; jwks_uri?: unknown };
  if (said !== issuer) throw new Error(`${address} describes another issuer than AUTH_ISSUER`);
  if (typeof keys !== 'string' || !isTrustworthy(keys)) throw new Error(`${address} names no https:// address of keys`);
  return keys;
}
