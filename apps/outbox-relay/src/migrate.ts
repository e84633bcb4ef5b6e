import { ensureTopic } from '@catalogue/kafka';
import { createLogger, integer, readArguments, readSettings } from '@catalogue/service';
import { settings, topicOf } from './settings.ts';

const usage = 'Usage: node dist/migrate.js\n\nCreates the topic, or checks the one that exists.';
readArguments(process.argv.slice(2), { usage });
const { brokers, logLevel, partitions, ...rest } = readSettings(
  {
    brokers: settings.brokers,
    kind: settings.kind,
    topic: settings.topic,
    logLevel: settings.logLevel,
    // Fixed when the topic is created, because a product's events must stay in one partition.
    partitions: integer('KAFKA_PARTITIONS', 6, 1, 1000),
  },
  process.env,
);
const topic = topicOf(rest);
const log = createLogger('outbox-relay', logLevel);
try {
  await ensureTopic({ brokers, topic, partitions, log });
  log.info({ topic }, 'The topic has the required settings');
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
