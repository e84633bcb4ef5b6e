// A relay that is killed at one point of its n-th batch: node crashing-relay.ts <point> <nth>, with the settings of a relay.
import { setTimeout as delay } from 'node:timers/promises';
import { jsonCodec } from '@catalogue/contracts';
import { type Delivery, type OutgoingMessage, Producer } from '@catalogue/kafka';
import { connect } from '@catalogue/postgres';
import { createLogger, createMetrics, readSettings, serve } from '@catalogue/service';
import { buildApp } from '../src/app.ts';
import { Sender } from '../src/sender.ts';
import { settings } from '../src/settings.ts';

const [point, nth = '1'] = process.argv.slice(2);
let left = Number(nth);

/** Kills the process before, while or after it sends the n-th batch. */
class DeadlyProducer extends Producer {
  override async send(topic: string, messages: Iterable<OutgoingMessage>): Promise<Delivery[]> {
    left -= 1;
    if (left > 0) return await super.send(topic, messages);
    if (point === 'before it is sent') die();
    const sending = super.send(topic, messages);
    // By then, none, some or all of the batch may have arrived.
    if (point === 'before it is acknowledged') await Promise.race([sending, delay(Math.random() * 3)]);
    else await sending;
    return die();
  }
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('Killed');
}

const { port, host, name, writeDb, brokers, kind, topic } = readSettings(settings, process.env);
const log = createLogger('outbox-relay', 'silent');
const store = connect(writeDb, { name, max: 4 });
const openProducer = () => new DeadlyProducer({ brokers, clientId: 'outbox-relay', log });
const sender = new Sender({ openProducer, topic, kind, codec: jsonCodec, log });
const { app, work } = await buildApp({
  name,
  store,
  writeDb,
  sender,
  findDangers: async () => undefined,
  log,
  metrics: createMetrics('outbox-relay'),
});
await serve(app, { port, host, log, work, close: [() => sender.close(), () => store.end({ timeout: 1 })] });
