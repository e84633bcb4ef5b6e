import { jsonCodec } from '@catalogue/contracts';
import { requireLogin } from '@catalogue/postgres';
import { connectModel } from '@catalogue/projection';
import { createLogger, createMetrics, readSettings, serve } from '@catalogue/service';
import { buildApp } from './app.ts';
import { priceModel } from './model.ts';
import { openReader } from './pools.ts';
import { settings } from './settings.ts';

const { port, host, logLevel, logPretty, readDb, brokers, topic, markets, corsOrigins } = readSettings(
  settings,
  process.env,
);
const model = priceModel(markets);
const log = createLogger(model.name, logLevel, logPretty);
const metrics = createMetrics(model.name);
const sql = connectModel(model, readDb);
const reader = openReader(readDb);
await requireLogin(sql, 'PRICES_DB_DSN');

const { app, work } = await buildApp(model, {
  sql,
  reader,
  brokers,
  topic,
  log,
  metrics,
  codec: jsonCodec,
  markets,
  corsOrigins,
});
await serve(app, { port, host, log, work, close: [sql, reader].map((pool) => () => pool.end({ timeout: 1 })) });
