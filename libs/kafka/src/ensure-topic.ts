import { setTimeout as delay } from 'node:timers/promises';
import { openAdmin, type Topic } from './admin.ts';
import { codes, KafkaError } from './errors.ts';
import type { Log } from './log.ts';
import { topicConfig } from './topic-config.ts';

export interface TopicWanted {
  /** Bootstrap servers, comma-separated. */
  brokers: string;
  topic: string;
  partitions: number;
  log: Log;
}

/**
 * Makes the topic, or checks the one that is there; can be run at any time, by several at once. Rejects when an existing
 * topic has other partitions or does not keep its messages for ever; the message says which command mends it.
 */
export async function ensureTopic({ brokers, topic, partitions, log }: TopicWanted): Promise<Topic> {
  const admin = openAdmin({ brokers, clientId: 'ensure-topic', log });
  try {
    const created = await admin.createTopic(topic, partitions);
    if (created) log.info({ topic, partitions }, 'Topic created');
    const found = await visible(() => admin.describeTopic(topic), topic);
    if (!created) await check(found, { brokers, topic, partitions });
    return found;
  } finally {
    admin.close();
  }
}

/** A broker knows a topic a moment after the controller made it. */
async function visible(describe: () => Promise<Topic | undefined>, topic: string): Promise<Topic> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const found = await describe();
    if (found !== undefined && found.partitions > 0) return found;
    await delay(100);
  }
  throw new KafkaError(`Topic ${topic} was created but no broker knows it after 5 s`, { code: codes.ERR__TIMED_OUT });
}

async function check(found: Topic, { brokers, topic, partitions }: Omit<TopicWanted, 'log'>): Promise<void> {
  const mismatch = (message: string) => new KafkaError(message, { code: codes.ERR_INVALID_CONFIG });
  if (found.partitions !== partitions) {
    throw mismatch(
      `Topic ${topic} has ${found.partitions} partitions, expected ${partitions}. The number cannot be changed without ` +
        `breaking the order of a product's events. While it is empty, delete it and migrate again: ` +
        `kafka-topics.sh --bootstrap-server ${brokers} --delete --topic ${topic}. Otherwise name another topic ` +
        `in KAFKA_TOPIC, migrate, and publish the events into it again.`,
    );
  }
  const retention = await topicConfig(brokers, topic, 'retention.ms');
  if (retention !== '-1') {
    throw mismatch(
      `Topic ${topic} keeps its events for ${retention} ms, expected for ever. Mend it with: kafka-configs.sh ` +
        `--bootstrap-server ${brokers} --alter --entity-type topics --entity-name ${topic} --add-config retention.ms=-1`,
    );
  }
}
