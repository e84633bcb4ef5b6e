import { requireLogin } from '@catalogue/postgres';
import { connectModel } from '@catalogue/projection';
import { eitherCodec } from '@catalogue/registry';
import { createLogger, createMetrics, readSettings, registrySettings, serve } from '@catalogue/service';
import { buildWorker } from './app.ts';
import { productModel } from './model.ts';
import { settings } from './settings.ts';

const { port, host, logLevel, logPretty, readDb, brokers, topic } = readSettings(settings, process.env);
const model = productModel();
const log = createLogger(model.name, logLevel, logPretty);
const metrics = createMetrics(model.name);
const sql = connectModel(model, readDb);
await requireLogin(sql, 'READ_DB_DSN');

const codec = eitherCodec(readSettings(registrySettings, process.env));
const { app, work } = await buildWorker(model, { sql, brokers, topic, log, metrics, codec });
await serve(app, { port, host, log, work, close: [() => sql.end({ timeout: 1 })] });
