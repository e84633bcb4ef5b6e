import { jsonCodec } from '@catalogue/contracts';
import { requireLogin } from '@catalogue/postgres';
import { createLogger, createMetrics, readSettings, serve } from '@catalogue/service';
import { buildWorker } from './app.ts';
import { connectReadModel } from './read-model.ts';
import { settings } from './settings.ts';

const { port, host, logLevel, logPretty, readDb, brokers, topic } = readSettings(settings, process.env);
const log = createLogger('query-worker', logLevel, logPretty);
const metrics = createMetrics('query-worker');
const sql = connectReadModel(readDb);
await requireLogin(sql, 'READ_DB_DSN');

const { app, work } = await buildWorker({ sql, brokers, topic, log, metrics, codec: jsonCodec });
await serve(app, { port, host, log, work, close: [() => sql.end({ timeout: 1 })] });
