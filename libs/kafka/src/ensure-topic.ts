import { setTimeout as delay } from 'node:timers/promises';
import kafka, { type Metadata } from '@confluentinc/kafka-javascript';
import { openAdmin, type Topic } from './admin.ts';
import { type Brokers, serversOf } from './brokers.ts';
import { askMetadata, baseConfig, connect } from './client.ts';
import { codes, KafkaError } from './errors.ts';
import type { Log } from './log.ts';
import { topicConfig } from './topic-config.ts';
import { dangersOf, wantedCopies } from './topic-safety.ts';

/** There is one attempt only. On a busy machine, a broker that had just started answered no new client within 2 s. */
const connectTimeoutMs = 10_000;

export interface TopicWanted {
  brokers: Brokers;
  topic: string;
  partitions: number;
  log: Log;
}

/**
 * Creates the topic, or checks the existing one. Can run at any time, in several processes at once. Rejects if an existing
 * topic has another number of partitions, or settings or replicas that can lose events. The message names the command that
 * fixes it.
 */
export async function ensureTopic({ brokers, topic, partitions, log }: TopicWanted): Promise<Topic> {
  const admin = openAdmin({ brokers, clientId: 'ensure-topic', log });
  try {
    const known = await cluster({ brokers, topic });
    const isThere = partitionsOf(known, topic).length > 0;
    const created = !isThere && (await admin.createTopic(topic, partitions, wantedCopies(known.brokers.length)));
    if (created) log.info({ topic, partitions }, 'Topic created');
    const found = await visible(() => admin.describeTopic(topic), topic);
    checkPartitions(found, { brokers, topic, partitions });
    if (created) return found;
    const danger = await findDangers({ brokers, topic }, isThere ? known : undefined);
    if (danger !== undefined) throw mismatch(danger);
    return found;
  } finally {
    admin.close();
  }
}

/** Waits until a broker knows the topic, which it does some milliseconds after the controller has created it. */
async function visible(describe: () => Promise<Topic | undefined>, topic: string): Promise<Topic> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const found = await describe();
    if (found !== undefined && found.partitions > 0) return found;
    await delay(100);
  }
  throw new KafkaError(`Topic ${topic} was created but no broker knows it after 5 s`, { code: codes.ERR__TIMED_OUT });
}

/**
 * Returns which settings and replicas of an existing topic can lose events, and the command that fixes them; undefined if
 * none can. If this client lacks the right to read the settings, returns a sentence that says so. Rejects when no broker
 * answers.
 */
export async function findDangers(
  { brokers, topic }: Pick<TopicWanted, 'brokers' | 'topic'>,
  known?: Metadata,
): Promise<string | undefined> {
  const settings = await topicConfig(brokers, topic).catch((error: unknown) => {
    if (error instanceof KafkaError && error.code === codes.ERR_TOPIC_AUTHORIZATION_FAILED) return undefined;
    throw error;
  });
  if (settings === undefined) {
    return `Whether topic ${topic} can lose events is not known: the right DescribeConfigs on it is missing`;
  }
  const metadata = known ?? (await cluster({ brokers, topic }));
  const copies = Math.min(...partitionsOf(metadata, topic).map(({ replicas }) => replicas.length));
  return dangersOf(topic, serversOf(brokers), { settings, brokers: metadata.brokers.length, copies });
}

function partitionsOf({ topics }: Metadata, topic: string) {
  return topics.find(({ name }) => name === topic)?.partitions ?? [];
}

/** Asked through a producer, since the admin client does not list the brokers. */
async function cluster({ brokers, topic }: Pick<TopicWanted, 'brokers' | 'topic'>): Promise<Metadata> {
  const client = new kafka.Producer(baseConfig({ brokers, clientId: 'ensure-topic' }));
  client.on('event.error', () => {});
  await connect(client, connectTimeoutMs);
  try {
    return await askMetadata(client, 5000, topic);
  } finally {
    client.disconnect();
  }
}

function checkPartitions(found: Topic, { brokers, topic, partitions }: Omit<TopicWanted, 'log'>): void {
  if (found.partitions === partitions) return;
  throw mismatch(
    `Topic ${topic} has ${found.partitions} partitions, expected ${partitions}. The number cannot be changed without ` +
      `breaking the order of a product's events. While it is empty, delete it and migrate again: ` +
      `kafka-topics.sh --bootstrap-server ${serversOf(brokers)} --delete --topic ${topic}. Otherwise name another topic ` +
      `in KAFKA_TOPIC, migrate, and publish the events into it again.`,
  );
}

function mismatch(message: string): KafkaError {
  return new KafkaError(message, { code: codes.ERR_INVALID_CONFIG });
}
