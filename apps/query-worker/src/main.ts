import { jsonCodec } from '@catalogue/contracts';
import { connect } from '@catalogue/postgres';
import { createLogger, createMetrics, readSettings, serve } from '@catalogue/service';
import { buildWorker } from './app.ts';
import { settings } from './settings.ts';

const { port, host, logLevel, logPretty, readDb, brokers, topic } = readSettings(settings, process.env);
const log = createLogger('query-worker', logLevel, logPretty);
const metrics = createMetrics('query-worker');
// A connection for each partition a worker usually has, and some for what is built beside and for health.
const sql = connect(readDb, { name: 'query-worker', max: 10, statementTimeout: 30_000 });

const { app, work } = await buildWorker({ sql, brokers, topic, log, metrics, codec: jsonCodec });
await serve(app, { port, host, log, work, close: [() => sql.end({ timeout: 1 })] });
