import { connect } from '@catalogue/postgres';
import { createLogger, createMetrics, readSettings, serve } from '@catalogue/service';
import { buildApp } from './app.ts';
import { settings } from './settings.ts';

const { port, host, logLevel, logPretty, writeDb, brokers, topic } = readSettings(settings, process.env);
const log = createLogger('outbox-relay', logLevel, logPretty);
const metrics = createMetrics('outbox-relay');
const store = connect(writeDb, { name: 'outbox-relay', max: 4, statementTimeout: 30_000 });

const { app, work } = await buildApp({ store, writeDb, brokers, topic, log, metrics });
await serve(app, { port, host, log, work, close: [() => store.end({ timeout: 1 })] });
