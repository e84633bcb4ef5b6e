import { findDangers, openProducer } from '@catalogue/kafka';
import { connect, requireLogin } from '@catalogue/postgres';
import { createLogger, createMetrics, readSettings, registrySettings, serve } from '@catalogue/service';
import { buildApp } from './app.ts';
import { openWriting } from './event/writing.ts';
import { Sender } from './sender.ts';
import { settings, topicOf } from './settings.ts';

const { port, host, metricsPort, logLevel, logPretty, name, writeDb, brokers, kind, ...rest } = readSettings(
  settings,
  process.env,
);
const topic = topicOf({ kind, ...rest });
const registry = readSettings(registrySettings, process.env);
const log = createLogger(name, logLevel, logPretty);
const metrics = createMetrics(name);
const store = connect(writeDb, { name, max: 4, statementTimeoutMs: 10_000, answerTimeoutMs: 15_000 });
await requireLogin(store, 'WRITE_DB_DSN');
const open = () => openProducer({ brokers, clientId: name, log });
const { codec, schemaIds } = openWriting(rest.codecName, registry, kind, topic);
const sender = new Sender({ openProducer: open, topic, kind, codec, schemaIds, log });

const { app, work } = await buildApp({
  name,
  store,
  writeDb,
  sender,
  schemaIds,
  findDangers: () => findDangers({ brokers, topic }),
  log,
  metrics,
  tls: rest.tls,
});
await serve(app, {
  port,
  host,
  metricsPort,
  log,
  work,
  close: [() => sender.close(), () => store.end({ timeout: 1 })],
});
