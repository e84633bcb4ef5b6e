// A worker that is killed when it gets to a point of its work, or does not get on from there (stall): node crashing-worker.ts
// <point>, with a worker's settings.
import { type Codec, jsonCodec } from '@catalogue/contracts';
import type { Sql } from '@catalogue/postgres';
import { buildWorker, connectModel } from '@catalogue/projection';
import { createLogger, createMetrics, readSettings, serve } from '@catalogue/service';
import { signalledAtCommit } from '@catalogue/testing';
import { productModel } from '../src/model.ts';
import { settings } from '../src/settings.ts';

const [, , point] = process.argv;
/** Ends the process at a message with `poison` in it. */
const codec: Codec = {
  ...jsonCodec,
  decode: (value) => {
    if (point === 'read' && value !== null && Buffer.from(value).includes('poison'))
      process.kill(process.pid, 'SIGKILL');
    return jsonCodec.decode(value);
  },
};

/** Ends the process at the first commit, or never begins a batch. */
function disturbed(sql: Sql): Sql {
  if (point === 'before commit' || point === 'after commit')
    return signalledAtCommit(sql, { point, signal: 'SIGKILL' });
  if (point !== 'stall') return sql;
  const reserve = () => new Promise<never>(() => {});
  return new Proxy(sql, {
    get: (target, name): unknown => (name === 'reserve' ? reserve : Reflect.get(target, name)),
  });
}

const { port, host, logLevel, readDb, brokers, topic } = readSettings(settings, process.env);
const model = productModel();
const log = createLogger('query-worker', logLevel);
const metrics = createMetrics('query-worker');
const sql = connectModel(model, readDb);
const { app, work } = await buildWorker(model, { sql: disturbed(sql), brokers, topic, log, metrics, codec });
await serve(app, { port, host, log, work, close: [() => sql.end({ timeout: 1 })] });
