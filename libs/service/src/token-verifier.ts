import { createHmac } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { DependencyState } from './health.ts';
import type { Logger } from './logger.ts';
import { Problem } from './problem.ts';
import { KeySet } from './key-set.ts';
import type { TokenRules } from './auth-settings.ts';

/** Who sends a request, and what the token allows. */
export interface Caller {
  subject: string;
  scopes: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

interface Verified {
  caller: Caller;
  verifiedAt: number;
  /** Of the keys. */
  generation: number;
}

const clockToleranceSeconds = 30;
/** About 2 KB each. */
const maxCachedTokens = 10_000;
/** After this time a token is verified again, which also makes the key set load its keys again if they are old. */
const maxCachedMs = 60_000;
const maxSubjectLength = 255;
const accessTokenTypes = new Set([undefined, 'JWT', 'at+jwt', 'application/at+jwt']);

/**
 * Verifies access tokens. A verification costs 60 to 300 µs of CPU, as much as a command, so a verified token counts as
 * known by its whole text for a minute, unless it expires or the issuer's keys change before. Then it has to be
 * verified again, and is still remembered as one that was valid.
 */
export class TokenVerifier {
  readonly #rules: TokenRules;
  readonly #keys: KeySet;
  readonly #verified = new Map<string, Verified>();
  /** How often the keys have changed. */
  #generation = 0;

  constructor(rules: TokenRules, log: Logger) {
    this.#rules = rules;
    this.#keys = new KeySet(rules, log, () => (this.#generation += 1));
  }

  state(): Promise<DependencyState> {
    return this.#keys.state();
  }

  /** The caller of a token that was verified before; undefined if it has to be verified. */
  known(token: string): Caller | undefined {
    const verified = this.#unexpired(token);
    if (verified === undefined) return undefined;
    const { caller, verifiedAt, generation } = verified;
    return generation === this.#generation && performance.now() - verifiedAt < maxCachedMs ? caller : undefined;
  }

  /** Whether a token was valid when it was last verified, and has not expired since. It may have to be verified again. */
  wasValid(token: string): boolean {
    return this.#unexpired(token) !== undefined;
  }

  /** @throws {Problem} `unauthenticated` if the token is not valid, `unavailable` if no keys are known. */
  async verify(token: string): Promise<Caller> {
    const { issuer, audience, algorithms, subjectKey } = this.#rules;
    const generation = this.#generation;
    try {
      const { payload, protectedHeader } = await jwtVerify(token, this.#keys.key, {
        algorithms,
        audience,
        ...(issuer === undefined ? {} : { issuer }),
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['exp', 'sub'],
      });
      if (!accessTokenTypes.has(protectedHeader.typ)) throw refused('The token is not an access token');
      const caller = callerOf(payload, subjectKey);
      // With the generation from before: if the keys have changed meanwhile, this token's key may have been withdrawn.
      this.#remember(token, { caller, verifiedAt: performance.now(), generation });
      return caller;
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      this.#verified.delete(token);
      throw refused(reasonOf(error));
    }
  }

  #unexpired(token: string): Verified | undefined {
    const verified = this.#verified.get(token);
    if (verified === undefined || verified.caller.expiresAt > Date.now()) return verified;
    this.#verified.delete(token);
    return undefined;
  }

  /** Keeps the map in the order of verification, so that the token verified longest ago is dropped first. */
  #remember(token: string, verified: Verified): void {
    this.#verified.delete(token);
    const [oldest] = this.#verified.size >= maxCachedTokens ? this.#verified.keys() : [];
    if (oldest !== undefined) this.#verified.delete(oldest);
    this.#verified.set(token, verified);
  }
}

function callerOf(claims: JWTPayload, subjectKey: string | undefined): Caller {
  const { sub, exp = 0 } = claims;
  if (typeof sub !== 'string' || sub === '' || sub.length > maxSubjectLength || !/^\P{C}+$/u.test(sub)) {
    throw refused(`The subject must have 1 to ${maxSubjectLength} printable characters`);
  }
  const expiresAt = (exp + clockToleranceSeconds) * 1000;
  const subject = subjectKey === undefined ? sub : pseudonymOf(sub, subjectKey);
  return { subject, scopes: scopesOf(claims), expiresAt };
}

/** The same for each token of a subject. Without the key, a pseudonym can be neither traced to its subject nor made. */
function pseudonymOf(subject: string, key: string): string {
  return `hmac-${createHmac('sha256', key).update(subject).digest('base64url')}`;
}

/** Issuers write scopes as text separated by spaces (`scope`, RFC 8693), or as a list, or call them `scp`. */
function scopesOf({ scope, scp }: JWTPayload): Set<string> {
  const lists = [scope, scp].flatMap((claim) => (Array.isArray(claim) ? (claim as unknown[]) : [claim]));
  return new Set(lists.flatMap((text) => (typeof text === 'string' ? text.split(' ') : [])));
}

/** The reason for the client. A token that the issuer did not sign gets no details. */
function reasonOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return 'The token has expired';
  if (error instanceof errors.JWTClaimValidationFailed) return `The claim ${error.claim} of the token is not valid`;
  return 'The token is not valid';
}

/** A refusal that tells the client to get another token (RFC 6750, 3.1). */
export function refused(detail: string): Problem {
  const challenge = `Bearer error="invalid_token", error_description="${detail}"`;
  return new Problem('unauthenticated', detail, { headers: { 'www-authenticate': challenge } });
}
