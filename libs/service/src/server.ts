import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyBaseLogger, LogController } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { requireAcceptable } from './accept.ts';
import { closeInTime } from './closing.ts';
import { answerBeforeClosing, answerClientError, longestRequest } from './connections.ts';
import { answerErrors, answerFrameworkError, answerUnmetExpectation } from './errors.ts';
import { allowOrigins } from './cors.ts';
import { type Api, describeApi } from './docs.ts';
import type { Server } from './fastify.ts';
import { checkReadiness, type Dependencies } from './health.ts';
import { readJsonBodies } from './json-body.ts';
import type { Logger } from './logger.ts';
import { askedTogether, Histogram, type Registry } from './metrics.ts';
import { Problem, ProblemBody } from './problem.ts';
import { requestIdOf, traceparentOf } from './trace.ts';
import { validatorCompiler } from './validation.ts';

export interface ServerOptions {
  log: Logger;
  metrics: Registry;
  /** What `/health/ready` asks. */
  dependencies: Dependencies;
  /** Described at `/openapi.json` and `/docs`; services without an API leave it out. */
  api?: Api;
  corsOrigins?: string[];
  /** The problem that an error of the service's own is; undefined for one that is a fault. */
  problemOf?: (error: unknown) => Problem | undefined;
}

const bodyLimit = 64 * 1024;

/**
 * A server with what every process has: health, metrics, request ids, traces, problem+json, and, given `api`, its
 * OpenAPI document and a page to try it. Routes are added by the caller; nothing listens yet.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const { log, metrics, dependencies, api, corsOrigins = [], problemOf = () => undefined } = options;
  // Named by Fastify's own type, or every type of the instance would name pino's.
  const fastifyLog: FastifyBaseLogger = log;
  const app = fastify({
    loggerInstance: fastifyLog,
    logController: new LogController({
      // A line a request costs more than the request; debug shows them.
      disableRequestLogging: !log.isLevelEnabled('debug'),
      requestIdLogLabel: 'requestId',
    }),
    rewriteUrl: originForm,
    genReqId: ({ headers }) => requestIdOf(headers),
    frameworkErrors: answerFrameworkError,
    clientErrorHandler: answerClientError,
    bodyLimit,
    requestTimeout: longestRequest,
    http: {
      headersTimeout: longestRequest,
      // Milliseconds between looks at who is too slow; Node's own are 30 s apart, so that 30 s would become 60.
      connectionsCheckingInterval: 1_000,
      // Answered here, with a problem.
      requireHostHeader: false,
    },
    childLoggerFactory: (logger, bindings, childOptions, request) =>
      logger.child({ ...bindings, traceparent: contextOf(request) }, childOptions),
    // While the process ends, what still comes on open connections is answered like the rest; then they are closed.
    return503OnClosing: false,
    // No bound of the router's own: an unknown id is 404, however long. Node bounds the whole header at 16 KiB.
    routerOptions: { maxParamLength: 16 * 1024 },
  }).withTypeProvider<TypeBoxTypeProvider>() as Server;

  app.server.on('checkExpectation', answerUnmetExpectation);
  answerBeforeClosing(app.server);
  closeInTime(app);
  app.setValidatorCompiler(validatorCompiler);
  readJsonBodies(app);
  app.addSchema(ProblemBody);
  answerErrors(app, problemOf);
  identifyRequests(app);
  requireHost(app);
  refuseEmptyParameters(app);
  negotiate(app);
  measureRequests(app, metrics);
  if (corsOrigins.length > 0) await allowOrigins(app, corsOrigins);
  if (api !== undefined) await describeApi(app, api);
  operate(app, metrics, dependencies);
  return app;
}

/** What a proxy's `GET http://host/products` asks for here: `/products` (RFC 9112, 3.2.2). */
function originForm({ url = '/' }: IncomingMessage): string {
  const [authority] = /^https?:\/\/[^/?]*/i.exec(url) ?? [];
  if (authority === undefined) return url;
  const rest = url.slice(authority.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

const context = Symbol('trace context');

/** The trace context of a request, the same each time: log lines carry it before any hook has run. */
function contextOf(request: IncomingMessage & { [context]?: string }): string {
  return (request[context] ??= traceparentOf(request.headers));
}

function identifyRequests(app: Server): void {
  app.decorateRequest('traceparent', '');
  app.addHook('onRequest', (request, reply, done) => {
    request.traceparent = contextOf(request.raw);
    reply.header('x-request-id', request.id);
    done();
  });
}

/** RFC 9112, 3.2: without it a request of HTTP/1.1 is malformed. */
function requireHost(app: Server): void {
  app.addHook('onRequest', ({ raw }, _reply, done) => {
    if (raw.headers.host !== undefined || raw.httpVersion !== '1.1') {
      done();
      return;
    }
    const faults = [{ pointer: '/host', message: 'Is required' }];
    done(new Problem('invalid-request', 'The request has no Host', { faults }));
  });
}

/** The router takes `/products/` for a product whose id is empty. Paths with a slash too many are nowhere, whatever the method. */
function refuseEmptyParameters(app: Server): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const isEmpty = Object.values(request.params as Record<string, string>).includes('');
    done(isEmpty ? new Problem('not-found', 'No resource has this address') : undefined);
  });
}

/** Of routes that are described; health, metrics and documents are sent to whoever asks. */
function negotiate(app: Server): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const { schema, config } = request.routeOptions;
    if (schema !== undefined && schema.hide !== true)
      requireAcceptable(request, config.produces ?? ['application/json']);
    done();
  });
}

function measureRequests(app: Server, metrics: Registry): void {
  const duration = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'Time from the request’s headers to the end of its response',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers: [metrics],
  });
  // Looking up a histogram by its labels costs more than observing: kept by route, of which there are few.
  const known = new Map<string, ReturnType<typeof duration.labels>>();
  app.addHook('onResponse', (request, reply, done) => {
    const { method } = request;
    const route = request.routeOptions.url ?? 'none';
    const key = `${method} ${route} ${reply.statusCode}`;
    const observer = known.get(key) ?? duration.labels(method, route, String(reply.statusCode));
    known.set(key, observer);
    observer.observe(reply.elapsedTime / 1000);
    done();
  });
}

function operate(app: Server, metrics: Registry, dependencies: Dependencies): void {
  let stopping = false;
  app.addHook('preClose', (done) => {
    stopping = true;
    done();
  });
  const readiness = askedTogether(() => checkReadiness(dependencies, stopping));
  const scrape = askedTogether(() => metrics.metrics());
  app.get('/health/live', { schema: { hide: true } }, () => ({ status: 'live' }));
  app.get('/health/ready', { schema: { hide: true } }, async (_request, reply) => {
    const { ready, ...body } = await readiness();
    return reply.code(ready ? 200 : 503).send(body);
  });
  app.get('/metrics', { schema: { hide: true } }, async (_request, reply) => {
    return reply.type(metrics.contentType).send(await scrape());
  });
}
