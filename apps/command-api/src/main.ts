import { EventEmitter } from 'node:events';
import { requireLogin } from '@catalogue/postgres';
import { createLogger, createMetrics, readSettings, serve } from '@catalogue/service';
import { buildApp } from './app.ts';
import { removeKeysNowAndThen } from './commit/expired-keys.ts';
import { settings } from './settings.ts';
import { openQueries, openStore } from './store.ts';

const { port, host, metricsPort, logLevel, logPretty, writeDb, ...options } = readSettings(settings, process.env);
const log = createLogger('command-api', logLevel, logPretty);
const metrics = createMetrics('command-api');
const connections = new EventEmitter();
const onClose = () => connections.emit('closed');
const store = openStore(writeDb, onClose);
const queries = openQueries(writeDb);
await requireLogin(store, 'WRITE_DB_DSN');

const app = await buildApp({ store, queries, connections, log, metrics, ...options });
const work = (signal: AbortSignal) => removeKeysNowAndThen(store, log, signal);
await serve(app, {
  port,
  host,
  metricsPort,
  log,
  work,
  close: [store, queries].map((pool) => () => pool.end({ timeout: 1 })),
});
