import { requireLogin } from '@catalogue/postgres';
import { connectModel, openProjection } from '@catalogue/projection';
import { eitherCodec } from '@catalogue/registry';
import { createLogger, createMetrics, readSettings, serve } from '@catalogue/service';
import { buildApp } from './app.ts';
import { openCommands } from './drive/commands.ts';
import { openMachine } from './machine-pool.ts';
import { priceModel } from './model.ts';
import { settings } from './settings.ts';

const { port, host, metricsPort, logLevel, logPretty, readDb, brokers, topic, ...rest } = readSettings(
  settings,
  process.env,
);
const { commandApiUrl, tokenFile, tokenClient, ...options } = rest;
const log = createLogger(priceModel.name, logLevel, logPretty);
const metrics = createMetrics(priceModel.name);
const sql = connectModel(priceModel, readDb);
const machine = openMachine(readDb);
await requireLogin(sql, 'PROMOTIONS_DB_DSN');

const codec = eitherCodec(process.env);
const projection = openProjection(priceModel, { sql, brokers, topic, log, metrics, codec });
const catalogue = openCommands(commandApiUrl, { tokenFile, tokenClient, log });
const { app, work } = await buildApp({ projection, machine, catalogue, log, metrics, ...options });
await serve(app, {
  port,
  host,
  metricsPort,
  log,
  work,
  close: [sql, machine].map((pool) => () => pool.end({ timeout: 1 })),
});
