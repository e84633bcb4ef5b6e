import { type Codec, defaultTopic } from '@catalogue/contracts';
import { requireLogin } from '@catalogue/postgres';
import {
  createLogger,
  createMetrics,
  createServer,
  kafkaBrokers,
  kafkaTopic,
  postgresDsn,
  readSettings,
  serve,
  type Server,
  serviceSettings,
  type TlsSettings,
} from '@catalogue/service';
import { connectModel } from './connect.ts';
import type { Model } from './model.ts';
import { openProjection, type Projection, type ProjectionOptions } from './projection.ts';

/** The settings of a service with a model. `variable` is the environment variable with the address of its database. */
export function modelSettings(variable: string, port: number) {
  return {
    brokers: kafkaBrokers,
    topic: kafkaTopic(defaultTopic),
    readDb: postgresDsn(variable),
    ...serviceSettings(port),
  };
}

/**
 * The program of a service that has a model and no routes: applies events, and answers for health and metrics, until a
 * signal ends it.
 */
export async function runModel(
  model: Model,
  settings: ReturnType<typeof modelSettings>,
  environment: Record<string, string | undefined>,
  codec: Codec,
): Promise<void> {
  const { port, host, metricsPort, logLevel, logPretty, readDb, brokers, topic, tls } = readSettings(
    settings,
    environment,
  );
  const log = createLogger(model.name, logLevel, logPretty);
  const metrics = createMetrics(model.name);
  const sql = connectModel(model, readDb);
  await requireLogin(sql, settings.readDb.variable);
  const { app, work } = await buildWorker(model, { sql, brokers, topic, log, metrics, codec }, tls);
  await serve(app, { port, host, metricsPort, log, work, close: [() => sql.end({ timeout: 1 })] });
}

/** A projection, and a server for health and metrics. */
export async function buildWorker(
  model: Model,
  options: ProjectionOptions,
  tls?: TlsSettings,
): Promise<Omit<Projection, 'dependencies'> & { app: Server }> {
  const { dependencies, ...projection } = openProjection(model, options);
  const app = await createServer({ log: options.log, metrics: options.metrics, dependencies, tls });
  return { ...projection, app };
}
