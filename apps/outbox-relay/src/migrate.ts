import { ensureTopic } from '@catalogue/kafka';
import { createLogger, readSettings } from '@catalogue/service';
import { settings } from './settings.ts';

// Fixed when the topic is made: a product's events must stay in one partition.
const partitions = 6;

const { brokers, topic, logLevel } = readSettings(
  { brokers: settings.brokers, topic: settings.topic, logLevel: settings.logLevel },
  process.env,
);
const log = createLogger('outbox-relay', logLevel);
try {
  await ensureTopic({ brokers, topic, partitions, log });
  log.info({ topic }, 'The topic is as it should be');
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
