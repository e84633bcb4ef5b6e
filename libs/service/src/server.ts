import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import fastify, { type FastifyBaseLogger, type FastifyServerFactory, LogController } from 'fastify';
import type { IncomingMessage } from 'node:http';
import { requireAcceptable } from './accept.ts';
import { protect, requireScopes } from './protect.ts';
import type { AuthSettings } from './auth-settings.ts';
import { limitCallers } from './limit.ts';
import type { Limits } from './limit-settings.ts';
import { TokenVerifier } from './token-verifier.ts';
import { closeInTime } from './closing.ts';
import { answerBeforeClosing, answerClientError, maxRequestMs } from './connections.ts';
import { answerErrors, answerFrameworkError, answerUnmetExpectation } from './errors.ts';
import { allowOrigins } from './cors.ts';
import { type Api, describeApi } from './docs.ts';
import type { Server } from './fastify.ts';
import type { Dependencies } from './health.ts';
import { readJsonBodies } from './json-body.ts';
import type { Logger } from './logger.ts';
import { Histogram, type Registry } from './metrics.ts';
import { hideMovedOperations, moveOperations, operate } from './operations.ts';
import { Problem, ProblemBody } from './problem.ts';
import { RenewedCertificate } from './renewed-certificate.ts';
import { securityHeaders } from './security-headers.ts';
import type { TlsSettings } from './tls-settings.ts';
import { requestIdOf, traceparentOf } from './trace.ts';
import { validatorCompiler } from './validation.ts';

/** What each process sets for its server. */
export interface ProcessOptions {
  log: Logger;
  metrics: Registry;
  corsOrigins?: string[];
  /** Whose access tokens requests need; `off` when absent, as for services without an API. */
  auth?: AuthSettings;
  /** What one caller may do; everything when absent. */
  limits?: Limits | undefined;
  /** The certificate with which the server speaks HTTPS; HTTP when absent. */
  tls?: TlsSettings | undefined;
}

export interface ServerOptions extends ProcessOptions {
  /** The checks of `/health/ready`. */
  dependencies: Dependencies;
  /** Described at `/openapi.json` and `/docs`; services without an API leave it out. */
  api?: Api;
  /** The problem for an expected error of the service; undefined for a fault. */
  problemOf?: (error: unknown) => Problem | undefined;
}

const bodyLimit = 64 * 1024;

/**
 * Creates a server with health, metrics, request ids, traces and problem+json, and with an OpenAPI document and a page
 * to try the API if `api` is given. The caller adds the routes. The server does not listen yet.
 */
export async function createServer(options: ServerOptions): Promise<Server> {
  const {
    log,
    metrics,
    dependencies,
    api,
    corsOrigins = [],
    auth = 'off',
    limits,
    tls,
    problemOf = () => undefined,
  } = options;
  const verifier = auth === 'off' ? undefined : new TokenVerifier(auth, log);
  const certificate = tls === undefined ? undefined : new RenewedCertificate(tls, log, metrics);
  const app = newServer(log, { problemOf, proxies: limits?.proxies, certificate });
  certificates.set(app, certificate);
  hideMovedOperations(app);
  refuseEmptyParameters(app);
  negotiate(app);
  measureRequests(app, metrics);
  if (corsOrigins.length > 0) await allowOrigins(app, corsOrigins);
  if (verifier !== undefined) protect(app, verifier, { logsRequests: log.isLevelEnabled('debug'), limits });
  if (limits !== undefined) limitCallers(app, limits);
  if (verifier !== undefined) requireScopes(app);
  if (api !== undefined) await describeApi(app, api, verifier !== undefined);
  if (auth === 'off' && api !== undefined) log.warn('AUTH=off: every client that reaches this port may do everything');
  const issuer = verifier === undefined ? {} : { issuer: () => verifier.state() };
  operate(app, metrics, { ...dependencies, ...issuer });
  return app;
}

/** Servers of one process share their certificate. */
const certificates = new WeakMap<Server, RenewedCertificate | undefined>();

/** Moves health and metrics of a server to one that only operators reach. It does not listen yet. */
export function separateOperations(app: Server, log: Logger): Server {
  const operations = newServer(log, { certificate: certificates.get(app) });
  moveOperations(app, operations);
  return operations;
}

interface NewServerOptions {
  problemOf?: (error: unknown) => Problem | undefined;
  proxies?: string[] | undefined;
  certificate?: RenewedCertificate | undefined;
}

/** A server without routes, with the parsing, errors, headers and limits that all routes share. */
function newServer(log: Logger, options: NewServerOptions): Server {
  const { problemOf = () => undefined, proxies = [], certificate } = options;
  // Fastify's own type: otherwise every type of the instance would refer to pino's types.
  const fastifyLog: FastifyBaseLogger = log;
  const app = fastify({
    loggerInstance: fastifyLog,
    logController: new LogController({
      // A log line costs more than its request, so only the level debug logs requests.
      disableRequestLogging: !log.isLevelEnabled('debug'),
      requestIdLogLabel: 'requestId',
    }),
    rewriteUrl: originForm,
    genReqId: ({ headers }) => requestIdOf(headers),
    frameworkErrors: answerFrameworkError,
    clientErrorHandler: answerClientError,
    bodyLimit,
    // An empty list would take the slower way that reads X-Forwarded-For.
    trustProxy: proxies.length === 0 ? false : proxies,
    requestTimeout: maxRequestMs,
    keepAliveTimeout: maxIdleMs,
    http: nodeOptions,
    ...(certificate === undefined ? {} : { serverFactory: overTls(certificate) }),
    childLoggerFactory: (logger, bindings, childOptions, request) =>
      logger.child({ ...bindings, traceparent: contextOf(request) }, childOptions),
    // While the process stops, requests on open connections are answered as usual; then the connections are closed.
    return503OnClosing: false,
    // An unknown id is 404, however long, so the router needs no limit. Node limits the whole header to 16 KiB.
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
  return app;
}

/** Fastify's default: how long a connection is kept between two requests. */
const maxIdleMs = 72_000;

const nodeOptions = {
  headersTimeout: maxRequestMs,
  // Milliseconds between checks for slow requests. Node's default is 30 s, which would turn the limit of 30 s into 60 s.
  connectionsCheckingInterval: 1_000,
  // `requireHost` below answers with a problem.
  requireHostHeader: false,
};

/** Passes the timeouts on, because Fastify sets them only on servers that it creates itself. */
function overTls(certificate: RenewedCertificate): FastifyServerFactory {
  const timeouts = { ...nodeOptions, requestTimeout: maxRequestMs, keepAliveTimeout: maxIdleMs };
  return (handler) => certificate.createServer(timeouts, handler);
}

/** The path and query of a target in absolute form, which proxies send: `GET http://host/products` (RFC 9112, 3.2.2). */
function originForm({ url = '/' }: IncomingMessage): string {
  const [authority] = /^https?:\/\/[^/?]*/i.exec(url) ?? [];
  if (authority === undefined) return url;
  const rest = url.slice(authority.length);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

const context = Symbol('trace context');

/** The trace context of a request. Made once, because log lines need it before the first hook runs. */
function contextOf(request: IncomingMessage & { [context]?: string }): string {
  return (request[context] ??= traceparentOf(request.headers));
}

function identifyRequests(app: Server): void {
  app.decorateRequest('traceparent', '');
  app.decorateRequest('subject', '');
  app.decorateRequest('scopes', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    request.traceparent = contextOf(request.raw);
    reply.headers(securityHeaders).header('x-request-id', request.id);
    done();
  });
}

/** Refuses a request of HTTP/1.1 without a Host header (RFC 9112, 3.2). */
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

/**
 * Answers `404` to a path with an empty parameter, for any method: the router would match `/products/` as a product
 * with an empty id.
 */
function refuseEmptyParameters(app: Server): void {
  app.addHook('onRequest', (request, _reply, done) => {
    const isEmpty = Object.values(request.params as Record<string, string>).includes('');
    done(isEmpty ? new Problem('not-found', 'No resource has this address') : undefined);
  });
}

/** Checks `Accept` on documented routes. Health, metrics and documents ignore it. */
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
  // Looking up a histogram by its labels costs more than observing it, so the few observers are cached.
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
