export {
  type Dependencies,
  type DependencyState,
  checkReadiness,
  type Readiness,
} from './health.ts';
export { createLogger, type Logger } from './logger.ts';
export { Counter, createMetrics, Gauge, Histogram, Registry } from './metrics.ts';
export { type Fault, Problem, ProblemBody, problemResponses, problems, type ProblemType } from './problem.ts';
export { serve, type ServeOptions } from './serve.ts';
export { createServer, type FastifyReply, type FastifyRequest, type Server, type ServerOptions } from './server.ts';
export {
  choice,
  corsOrigins,
  integer,
  kafkaBrokers,
  kafkaTopic,
  parseSettings,
  postgresDsn,
  readSettings,
  serviceSettings,
  type Setting,
  SettingsError,
} from './settings.ts';
