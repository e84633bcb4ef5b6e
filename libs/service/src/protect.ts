import type { ServerResponse } from 'node:http';
import type { RouteOptions } from 'fastify';
import { addressOf } from './caller.ts';
import type { FastifyRequest, Server } from './fastify.ts';
import { tooMany } from './limit.ts';
import type { Limits } from './limit-settings.ts';
import { Problem, problemResponses } from './problem.ts';
import { RateLimit } from './rate-limit.ts';
import type { Scope } from './scopes.ts';
import { type Caller, refused, type TokenVerifier } from './token-verifier.ts';

const challenge = { 'www-authenticate': 'Bearer' };
/** Timers cannot wait for longer. */
const maxTimerMs = 2_147_483_647;

/**
 * Requires an access token where the route needs a scope. A route says `config.scope`; otherwise it needs
 * `catalogue:read` for GET and HEAD and `catalogue:write` for any other method, and none if its schema hides it from
 * the document. `requireScopes` compares them. Documents the scopes, `401` and `403` of all routes that are added
 * later.
 */
export function protect(app: Server, verifier: TokenVerifier, { logsRequests, limits }: ProtectOptions): void {
  const verify = limits?.perSecond === undefined ? verifyAny : limitedTo(limits.perSecond);
  app.addHook('onRoute', documentScope);
  app.addHook('onRequest', (request, reply, done) => {
    if (scopeOf(request) === undefined) {
      done();
      return;
    }
    const admit = (caller: Caller) => {
      request.subject = caller.subject;
      request.scopes = caller.scopes;
      if (logsRequests) request.log = request.log.child({ subject: caller.subject });
      if (request.routeOptions.config.produces?.includes('text/event-stream') === true) endWithToken(reply.raw, caller);
    };
    const identify = (): Promise<void> | undefined => {
      const token = tokenOf(request);
      const known = verifier.known(token);
      if (known === undefined) return verify(verifier, token, request).then(admit);
      admit(known);
      return undefined;
    };
    attempt(identify, done);
  });
}

/** Refuses requests whose token lacks the route's scope. Comes after `limitCallers`, so that they count like others. */
export function requireScopes(app: Server): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const scope = scopeOf(request);
    done(scope === undefined || request.scopes?.has(scope) === true ? undefined : missing(scope));
  });
}

/** What the token must allow; undefined if the route is open. */
function scopeOf({ routeOptions: { config, schema }, method, is404 }: FastifyRequest): Scope | undefined {
  const isOpen = schema?.hide === true || is404;
  return config.scope ?? (isOpen ? undefined : usualScope(method));
}

interface ProtectOptions {
  logsRequests: boolean;
  limits?: Limits | undefined;
}

type Verify = (verifier: TokenVerifier, token: string, request: FastifyRequest) => Promise<Caller>;

const verifyAny: Verify = (verifier, token) => verifier.verify(token);

/**
 * Refuses to verify tokens of an address that has sent too many wrong ones: a verification costs as much as a request. A token
 * that was valid before still works. A new token from this address is refused until the rate allows another try. A token counts
 * as wrong until it is verified, so that tokens that arrive together are not all verified. The same token sent twice at once is
 * verified once.
 */
function limitedTo(perSecond: number): Verify {
  const refusals = new RateLimit(perSecond);
  const underWay = new Map<string, Promise<Caller>>();
  const verifyCounted = async (verifier: TokenVerifier, token: string, address: string) => {
    try {
      const caller = await verifier.verify(token);
      refusals.giveBack(address);
      return caller;
    } catch (error) {
      if (!(error instanceof Problem && error.type === 'unauthenticated')) refusals.giveBack(address);
      throw error;
    } finally {
      underWay.delete(token);
    }
  };
  return (verifier, token, request) => {
    if (verifier.wasValid(token)) return verifier.verify(token);
    const same = underWay.get(token);
    if (same !== undefined) return same;
    const address = addressOf(request);
    const { waitMs } = refusals.take(address);
    if (waitMs > 0) throw tooMany('This address has sent too many wrong access tokens', waitMs);
    const verifying = verifyCounted(verifier, token, address);
    underWay.set(token, verifying);
    return verifying;
  };
}

/** Without a promise for a known token: a turn of the event loop costs more than the look-up. */
function attempt(work: () => Promise<void> | undefined, done: (error?: Error) => void): void {
  try {
    const working = work();
    if (working === undefined) done();
    else void settle(working, done);
  } catch (error) {
    done(error as Error);
  }
}

async function settle(working: Promise<void>, done: (error?: Error) => void): Promise<void> {
  try {
    await working;
  } catch (error) {
    done(error as Error);
    return;
  }
  done();
}

/** The token of the header. A token in the address would be logged by proxies and kept by browsers, so it does not count. */
function tokenOf({ headers }: FastifyRequest): string {
  const { authorization } = headers;
  if (authorization === undefined)
    throw new Problem('unauthenticated', 'The request needs an access token', { headers: challenge });
  const [, token] = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization) ?? [];
  if (token === undefined) throw refused('Authorization must be Bearer and a token');
  return token;
}

function missing(scope: Scope): Problem {
  const headers = { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` };
  return new Problem('forbidden', `The access token lacks the scope ${scope}`, { headers });
}

function usualScope(method: string): Scope {
  return method === 'GET' || method === 'HEAD' ? 'catalogue:read' : 'catalogue:write';
}

/** A stream lasts no longer than its token. The client continues it with the next one, by `Last-Event-ID`. */
function endWithToken(response: ServerResponse, { expiresAt }: Caller): void {
  const timer = setTimeout(() => response.destroy(), Math.min(expiresAt - Date.now(), maxTimerMs));
  response.once('close', () => clearTimeout(timer));
}

function documentScope(route: RouteOptions): void {
  const { schema, config } = route;
  if (schema === undefined || schema.hide === true) return;
  const [method = 'GET'] = [route.method].flat();
  const scope = config?.scope ?? usualScope(method);
  route.schema = {
    ...schema,
    security: [{ accessToken: [scope] }],
    response: { ...problemResponses('unauthenticated', 'forbidden'), ...(schema.response as object) },
  };
}
