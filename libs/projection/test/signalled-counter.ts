// A projection of counters that signals itself: node signalled-counter.ts <point> <signal> <brokers> <dsn> <topic>.
// At the point `read`, a message with `poison` in it does so.
import { type Codec, jsonCodec } from '@catalogue/contracts';
import { createLogger, createMetrics } from '@catalogue/service';
import { signalledAtCommit, type SignalPoint } from '@catalogue/testing';
import { connectModel, openProjection } from '../src/index.ts';
import { counterModel } from './counter.ts';

const [point = '', signal = '', brokers = '', dsn = '', topic = ''] = process.argv.slice(2);

const codec: Codec = {
  ...jsonCodec,
  decode: (value) => {
    if (point === 'read' && value !== null && Buffer.from(value).includes('poison')) process.kill(process.pid, signal);
    return jsonCodec.decode(value);
  },
};

const pool = connectModel(counterModel, dsn);
const sql = point === 'read' ? pool : signalledAtCommit(pool, { point, signal } as SignalPoint);
const log = createLogger('counter', 'silent');
// The statements of a batch are new on its connection.
const model = point === 'within a statement' ? { ...counterModel, prepare: () => [] } : counterModel;
const { work } = openProjection(model, { sql, brokers, topic, log, metrics: createMetrics('counter'), codec });
await work(new AbortController().signal);
