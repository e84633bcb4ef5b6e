import { requireLogin } from '@catalogue/postgres';
import { createLogger, createMetrics, readSettings, serve } from '@catalogue/service';
import { buildApp } from './app.ts';
import { openPools } from './pools.ts';
import { settings } from './settings.ts';

const { port, host, metricsPort, logLevel, logPretty, readDb, ...options } = readSettings(settings, process.env);
const log = createLogger('query-api', logLevel, logPretty);
const metrics = createMetrics('query-api');
const { readModel, listing } = openPools(readDb);
await requireLogin(readModel, 'READ_DB_DSN');

const { app, work } = await buildApp({ readModel, listing, log, metrics, ...options });
await serve(app, {
  port,
  host,
  metricsPort,
  log,
  work,
  close: [readModel, listing].map((pool) => () => pool.end({ timeout: 1 })),
});
