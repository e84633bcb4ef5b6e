import type { FastifyReply, RouteOptions } from 'fastify';
import { callerOf } from './caller.ts';
import type { FastifyRequest, Server } from './fastify.ts';
import type { Limits } from './limit-settings.ts';
import { Problem, problemResponses } from './problem.ts';
import { RateLimit } from './rate-limit.ts';

/**
 * Refuses requests of a caller that are over its limits with `429`. Health, metrics, documents and the page's files
 * have no limit. Documents `429` of all routes that are added later. Needs `request.subject`, so it comes after
 * `protect`.
 */
export function limitCallers(app: Server, { perSecond, underWay }: Limits): void {
  if (perSecond === undefined && underWay === undefined) return;
  app.addHook('onRoute', documentLimit);
  if (perSecond !== undefined) limitRate(app, new RateLimit(perSecond));
  if (underWay !== undefined) limitConcurrency(app, underWay);
}

function limitRate(app: Server, rate: RateLimit): void {
  const { perSecond } = rate;
  const policy = `"caller";q=${perSecond};w=1`;
  app.addHook('onRequest', (request, reply, done) => {
    if (!isLimited(request)) {
      done();
      return;
    }
    const { remaining, waitMs } = rate.take(callerOf(request));
    // draft-ietf-httpapi-ratelimit-headers-10
    reply.header('ratelimit-policy', policy).header('ratelimit', `"caller";r=${remaining};t=1`);
    done(waitMs === 0 ? undefined : tooMany(`A caller may send ${perSecond} requests a second`, waitMs));
  });
}

function limitConcurrency(app: Server, max: number): void {
  // Bounded by the open connections, and by the work that clients have left.
  const underWay = new Map<string, number>();
  const work = followWork(app);
  app.addHook('onRequest', (request, reply, done) => {
    if (!isLimited(request)) {
      done();
      return;
    }
    const caller = callerOf(request);
    const others = underWay.get(caller) ?? 0;
    if (others >= max) {
      done(tooMany(`A caller may have ${max} requests and streams under way`, 1_000));
      return;
    }
    underWay.set(caller, others + 1);
    const free = () => {
      const left = (underWay.get(caller) ?? 0) - 1;
      if (left > 0) underWay.set(caller, left);
      else underWay.delete(caller);
    };
    // Otherwise a caller that hangs up could have any number of commands in the queue.
    onClosed(reply, () => void Promise.allSettled([work.get(request)]).then(free));
    done();
  });
}

/** Tracks the running handlers of all routes that are added later. No handler begins after its client has left. */
function followWork(app: Server): WeakMap<FastifyRequest, Promise<unknown>> {
  const work = new WeakMap<FastifyRequest, Promise<unknown>>();
  app.addHook('onRoute', (route) => {
    const { handler, schema } = route;
    if (schema?.hide === true) return;
    route.handler = function handle(request, reply) {
      if (reply.raw.destroyed) throw new Problem('too-many-requests', 'The client has left');
      const answer: unknown = handler.call(this, request, reply);
      if (answer instanceof Promise) work.set(request, answer);
      return answer;
    };
  });
  return work;
}

/** A stream has no `onResponse`: its route takes the answer over. The client may have left while its token was verified. */
function onClosed({ raw }: FastifyReply, then: () => void): void {
  if (raw.destroyed) then();
  else raw.once('close', then);
}

function isLimited(request: FastifyRequest): boolean {
  return !request.is404 && request.routeOptions.schema?.hide !== true;
}

/** @param waitMs milliseconds after which the caller may send again. */
export function tooMany(detail: string, waitMs: number): Problem {
  const headers = { 'retry-after': String(Math.ceil(waitMs / 1000)) };
  return new Problem('too-many-requests', detail, { headers });
}

function documentLimit(route: RouteOptions): void {
  const { schema } = route;
  if (schema === undefined || schema.hide === true) return;
  route.schema = { ...schema, response: { ...problemResponses('too-many-requests'), ...(schema.response as object) } };
}
