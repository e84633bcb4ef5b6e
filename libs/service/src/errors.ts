import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Problem, type ProblemType } from './problem.ts';
import { securityHeaders } from './security-headers.ts';
import { requestIdOf } from './trace.ts';

/** Fastify's own refusals, by status, with the detail for clients. */
const refusals: Record<number, [ProblemType, string]> = {
  400: ['invalid-request', 'The request could not be read'],
  404: ['not-found', 'No resource has this address'],
  414: ['invalid-request', 'The address is too long'],
  415: ['unsupported-media-type', 'Send a JSON body with its Content-Type'],
  503: ['unavailable', 'The service is stopping'],
};

/** Answers every error with a problem (RFC 9457), and an unsupported method with a `405` that lists the supported ones. */
export function answerErrors(
  app: Pick<FastifyInstance, 'addHook' | 'setErrorHandler' | 'setNotFoundHandler'>,
  problemFor: (error: unknown) => Problem | undefined,
): void {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set();
    for (const each of [method].flat()) known.add(each);
    methods.set(url, known);
  });
  app.setNotFoundHandler((request, reply) => sendProblem(request, reply, notFoundOr405(request, methods)));
  app.setErrorHandler((error, request, reply) => {
    // Fastify checks the body of some methods before it finds that no route supports the method.
    const problem = request.is404
      ? notFoundOr405(request, methods)
      : (problemFor(error) ?? problemOf(error as FastifyError, request));
    return sendProblem(request, reply, problem);
  });
}

function notFoundOr405({ url, method }: FastifyRequest, methods: Map<string, Set<string>>): Problem {
  const path = url.split('?', 1)[0]?.split('/') ?? [];
  for (const [pattern, allowed] of methods) {
    if (!matches(pattern.split('/'), path)) continue;
    const allow = [...allowed].toSorted().join(', ');
    return new Problem('method-not-allowed', `This resource supports ${allow}, not ${method}`, { headers: { allow } });
  }
  return new Problem('not-found', 'No resource has this address');
}

function matches(pattern: string[], path: string[]): boolean {
  const isMatch = (part: string, i: number) => (part.startsWith(':') ? path[i] !== '' : part === path[i]);
  return pattern.length === path.length && pattern.every(isMatch);
}

function problemOf(error: FastifyError | Problem, request: FastifyRequest): Problem {
  if (error instanceof Problem) return error;
  const { statusCode = 500 } = error;
  if (statusCode === 413) return new Problem('body-too-large', `Send at most ${request.routeOptions.bodyLimit} bytes`);
  const [type, detail] = refusals[statusCode] ?? ['internal', 'The service failed; its log says why'];
  if (type === 'internal') request.log.error({ err: error, subject: request.subject }, 'The request failed');
  // The messages of Fastify and of the JSON parser name the fault, and contain no internals.
  return new Problem(
    type,
    detail,
    type === 'invalid-request' ? { faults: [{ pointer: '', message: error.message }] } : {},
  );
}

/** Answers a request that fails before any hook runs: its address is malformed. */
export function answerFrameworkError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  reply.headers(securityHeaders).header('x-request-id', request.id);
  // A path whose escapes do not decode to text names no resource, so it is `404` like any unknown path.
  const isUndecodable = error.code === 'FST_ERR_BAD_URL';
  const problem = isUndecodable ? new Problem('not-found', 'No resource has this address') : problemOf(error, request);
  void sendProblem(request, reply, problem);
}

/** Answers a request whose `Expect` is not `100-continue`. Node asks for this before any route is chosen. */
export function answerUnmetExpectation(request: IncomingMessage, response: ServerResponse): void {
  const requestId = requestIdOf(request.headers);
  const problem = new Problem('expectation-failed', 'Send the request without Expect, or with Expect: 100-continue');
  const body = JSON.stringify(problem.toBody(requestId));
  response
    .writeHead(problem.status, {
      ...securityHeaders,
      'content-type': 'application/problem+json',
      'content-length': Buffer.byteLength(body),
      'x-request-id': requestId,
    })
    .end(body);
}

function sendProblem(request: FastifyRequest, reply: FastifyReply, problem: Problem): FastifyReply {
  return reply
    .code(problem.status)
    .headers(problem.headers)
    .type('application/problem+json')
    .serializer(JSON.stringify)
    .send(problem.toBody(request.id));
}
