import { connect } from '@catalogue/postgres';
import { createLogger, createMetrics, readSettings, serve } from '@catalogue/service';
import { buildApp } from './app.ts';
import { settings } from './settings.ts';

const { port, host, logLevel, logPretty, readDb, corsOrigins } = readSettings(settings, process.env);
const log = createLogger('query-api', logLevel, logPretty);
const metrics = createMetrics('query-api');
const readModel = connect(readDb, { name: 'query-api', statementTimeout: 5_000 });

const { app, work } = await buildApp({ readModel, log, metrics, corsOrigins });
await serve(app, { port, host, log, work, close: [() => readModel.end({ timeout: 1 })] });
