import { requireLogin } from '@catalogue/postgres';
import { connectModel, openProjection } from '@catalogue/projection';
import { eitherCodec } from '@catalogue/registry';
import { createLogger, createMetrics, readSettings, serve } from '@catalogue/service';
import { buildApp } from './app.ts';
import { priceModel } from './model.ts';
import { openPools } from './pools.ts';
import { settings } from './settings.ts';

const { port, host, metricsPort, logLevel, logPretty, readDb, brokers, topic, ...options } = readSettings(
  settings,
  process.env,
);
const model = priceModel(options.markets);
const log = createLogger(model.name, logLevel, logPretty);
const metrics = createMetrics(model.name);
const sql = connectModel(model, readDb);
const { reader, lines } = openPools(readDb);
await requireLogin(sql, 'PRICES_DB_DSN');

const codec = eitherCodec(process.env);
const projection = openProjection(model, { sql, brokers, topic, log, metrics, codec });
const { app, work } = await buildApp({ projection, sql, reader, lines, log, metrics, ...options });
await serve(app, {
  port,
  host,
  metricsPort,
  log,
  work,
  close: [sql, reader, lines].map((pool) => () => pool.end({ timeout: 1 })),
});
