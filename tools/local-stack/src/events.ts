// npm run events: prints the messages of the local stack's topic from the first one on, as they arrive, until Ctrl-C.
import { randomUUID } from 'node:crypto';
import { defaultTopic } from '@catalogue/contracts';
import { type MessageBatch, openConsumer } from '@catalogue/kafka';
import { readSettings, refuseArguments, type Settings } from './settings.ts';

const stopping = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stopping.abort());
// The reader has closed the pipe, as in `| head`.
process.stdout.on('error', () => stopping.abort());

const { ports, kafkaBroker = `127.0.0.1:${ports.kafka.number}` } = settings();
const topic = process.env['KAFKA_TOPIC'] ?? defaultTopic;
const tell = (fields: object, line = '') => console.error(`${line} ${JSON.stringify(fields)}`);
const consumer = openConsumer({
  brokers: kafkaBroker,
  topic,
  groupId: `events-tool-${randomUUID()}`,
  clientId: 'events-tool',
  log: { debug() {}, info() {}, warn: tell, error: tell },
  offsets: async (partitions) => new Map(partitions.map((partition) => [partition, { next: 0 }])),
  apply: async ({ messages, next }: MessageBatch) => {
    for (const { partition, offset, key, value } of messages) {
      console.log(`partition ${partition}  offset ${offset}  key ${key?.toString() ?? '-'}\n${textOf(value)}\n`);
    }
    return { next };
  },
});
console.error(`The messages of ${topic} at ${kafkaBroker}, from the first one on; Ctrl-C ends this.`);
await consumer.run(stopping.signal);

/** Ends the process with one line if a setting or an argument is wrong. */
function settings(): Settings {
  try {
    refuseArguments(process.argv.slice(2));
    return readSettings(process.env);
  } catch (error) {
    console.error(`npm run events: ${(error as Error).message}`);
    process.exit(1);
  }
}

/** Avro is no text: examples/python-consumer prints the events of such a topic. */
function textOf(value: Buffer | null): string {
  if (value === null) return '(no value)';
  const isFramed = value[0] === 0 && value.length >= 5;
  return isFramed ? `(${value.length} bytes of Avro by schema ${value.readUInt32BE(1)})` : value.toString();
}
