import { connect } from '@catalogue/postgres';
import { createLogger, createMetrics, readSettings, serve } from '@catalogue/service';
import { buildWorker } from './consumer.ts';
import { settings } from './settings.ts';

// The generation of the read model that this worker keeps up to date: the first, until it can be built again beside.
const generation = 1;

const { port, host, logLevel, logPretty, readDb, brokers, topic } = readSettings(settings, process.env);
const log = createLogger('query-worker', logLevel, logPretty);
const metrics = createMetrics('query-worker');
// A connection for each partition a worker usually has, and some for health.
const sql = connect(readDb, { name: 'query-worker', max: 8, statementTimeout: 30_000 });

const { app, work } = await buildWorker({ sql, brokers, topic, generation, log, metrics });
await serve(app, { port, host, log, work, close: [() => sql.end({ timeout: 1 })] });
