import { connect } from '@catalogue/postgres';
import { createLogger, createMetrics, readSettings, serve } from '@catalogue/service';
import { buildApp } from './app.ts';
import { settings } from './settings.ts';

const { port, host, logLevel, logPretty, writeDb, corsOrigins } = readSettings(settings, process.env);
const log = createLogger('command-api', logLevel, logPretty);
const metrics = createMetrics('command-api');
const store = connect(writeDb, { name: 'command-api', statementTimeout: 5_000 });

const app = await buildApp({ store, log, metrics, corsOrigins, now: () => new Date() });
await serve(app, { port, host, log, close: [() => store.end({ timeout: 1 })] });
