import { type BrokerConnection, withBroker } from './broker-connection.ts';
import { type Brokers, serversOf } from './brokers.ts';
import { KafkaError } from './errors.ts';
import { int32, type Reader, text } from './wire.ts';

const describeConfigs = 32;
const version = 1;
const topicResource = 2;

/**
 * Returns the effective settings of a topic, by name.
 *
 * The client (1.10.1) can create topics but not read their configuration. So this one request is written by hand:
 * DescribeConfigs v1 (https://kafka.apache.org/protocol#The_Messages_DescribeConfigs). It needs the DescribeConfigs
 * permission on the topic. Rejects with a KafkaError if a broker refuses, and with an AggregateError if none answers
 * within `timeoutMs`.
 */
export async function topicConfig(brokers: Brokers, topic: string, timeoutMs = 5000): Promise<Map<string, string>> {
  const failures: unknown[] = [];
  const servers = serversOf(brokers);
  const security = typeof brokers === 'string' ? undefined : brokers.security;
  for (const broker of servers.split(',')) {
    try {
      return await withBroker(broker.trim(), { security, timeoutMs }, (connection) => ask(connection, topic));
    } catch (error) {
      if (error instanceof KafkaError) throw error;
      failures.push(error);
    }
  }
  const reasons = failures.map((failure) => (failure as Error).message).join('; ');
  throw new AggregateError(failures, `The configuration of topic ${topic} cannot be read from ${servers}: ${reasons}`);
}

async function ask(connection: BrokerConnection, topic: string): Promise<Map<string, string>> {
  const body = Buffer.concat([
    int32(1),
    Buffer.from([topicResource]),
    text(topic),
    int32(-1), // all settings
    Buffer.from([0]), // no synonyms
  ]);
  return readConfig(await connection.ask(describeConfigs, version, body));
}

function readConfig(response: Reader): Map<string, string> {
  response.skip(4 + 4); // throttle time, count of results: one
  const code = response.int16();
  const message = response.text();
  if (code !== 0) throw new KafkaError(message ?? `Error ${code}`, { code });
  response.skip(1);
  response.text(); // the topic's name
  const count = response.int32();
  const settings = new Map<string, string>();
  for (let index = 0; index < count; index++) {
    const name = response.text();
    const value = response.text();
    response.skip(1 + 1 + 1 + 4); // read-only, source, sensitive, no synonyms
    if (name !== undefined && value !== undefined) settings.set(name, value);
  }
  return settings;
}
