export { auth, type AuthSettings, pageClientId } from './auth-settings.ts';
export { backoffMs } from './backoff.ts';
export { callerOf } from './caller.ts';
export type { ClientCredentials } from './client-credentials.ts';
export { entityTagsPattern, parseEntityTags } from './entity-tags.ts';
export type { FastifyReply, FastifyRequest, Server } from './fastify.ts';
export type { Dependencies, DependencyState } from './health.ts';
export { type Limits, limits } from './limit-settings.ts';
export { createLogger, type Logger } from './logger.ts';
export { askedTogether, Counter, createMetrics, Gauge, Histogram, Registry } from './metrics.ts';
export { runMigration } from './migration.ts';
export { orAborted } from './or-aborted.ts';
export { type KafkaBrokers, kafkaBrokers, kafkaTopic } from './kafka-settings.ts';
export { type Fault, Problem, problemResponses, type ProblemType } from './problem.ts';
export { outliveClosedPipe, readArguments } from './program.ts';
export { decimalNumber, isTimestamp, oneOf, shortText, timestamp, wholeNumber } from './query-parameter.ts';
export { pooledRandomBytes } from './random.ts';
export { eventCodec, registrySettings } from './registry-settings.ts';
export { repeat } from './repeat.ts';
export { type ResponseHeaders, withHeaders } from './response-headers.ts';
export { serve, type ServeOptions } from './serve.ts';
export { createServer, type ProcessOptions, type ServerOptions } from './server.ts';
export { serviceSettings } from './service-settings.ts';
export {
  commandApiUrl,
  corsOrigins,
  type Environment,
  integer,
  isReadable,
  postgresDsn,
  pricesUrl,
  promotionsUrl,
  readSettings,
  type Setting,
} from './settings.ts';
export type { TlsSettings } from './tls-settings.ts';
export { clientCredentials } from './token-settings.ts';
