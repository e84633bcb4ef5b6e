import { connect, type Socket } from 'node:net';
import { KafkaError } from './errors.ts';

const describeConfigs = 32;
const version = 1;
const topicResource = 2;

/**
 * Returns the effective settings of a topic, by name.
 *
 * The client (1.10.1) can create topics but not read their configuration. So this one request is written by hand:
 * DescribeConfigs v1 (https://kafka.apache.org/protocol#The_Messages_DescribeConfigs), over plain TCP. It needs the
 * DescribeConfigs permission on the topic.
 * Rejects with a KafkaError if a broker refuses, and with an AggregateError if none answers within `timeoutMs`.
 */
export async function topicConfig(brokers: string, topic: string, timeoutMs = 5000): Promise<Map<string, string>> {
  const failures: unknown[] = [];
  for (const broker of brokers.split(',')) {
    try {
      return readConfig(await ask(broker.trim(), request(topic), timeoutMs));
    } catch (error) {
      if (error instanceof KafkaError) throw error;
      failures.push(error);
    }
  }
  const reasons = failures.map((failure) => (failure as Error).message).join('; ');
  throw new AggregateError(failures, `The configuration of topic ${topic} cannot be read from ${brokers}: ${reasons}`);
}

function request(topic: string): Buffer {
  const body = Buffer.concat([
    int16(describeConfigs),
    int16(version),
    int32(1), // correlation id
    text('catalogue'),
    int32(1),
    Buffer.from([topicResource]),
    text(topic),
    int32(-1), // all settings
    Buffer.from([0]), // no synonyms
  ]);
  return Buffer.concat([int32(body.length), body]);
}

async function ask(broker: string, message: Buffer, timeoutMs: number): Promise<Buffer> {
  const [, host = broker, port = '9092'] = /^(?:\w+:\/\/)?\[?(.*?)\]?:(\d+)$/.exec(broker) ?? [];
  const socket = connect(Number(port), host);
  const timer = setTimeout(
    () => socket.destroy(new Error(`${broker} did not answer within ${timeoutMs} ms`)),
    timeoutMs,
  );
  try {
    socket.write(message);
    return await frame(socket, broker);
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

/** Reads the first complete response. */
async function frame(socket: Socket, broker: string): Promise<Buffer> {
  let received = Buffer.alloc(0);
  for await (const chunk of socket) {
    received = Buffer.concat([received, chunk as Buffer]);
    if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) return received.subarray(4);
  }
  throw new Error(`${broker} closed the connection`);
}

function readConfig(response: Buffer): Map<string, string> {
  let at = 4 + 4 + 4; // correlation id, throttle time, count of results: one
  const code = response.readInt16BE(at);
  at += 2;
  const string = () => {
    const length = response.readInt16BE(at);
    at += 2 + Math.max(length, 0);
    return length < 0 ? undefined : response.toString('utf8', at - length, at);
  };
  const message = string();
  if (code !== 0) throw new KafkaError(message ?? `Error ${code}`, { code });
  at += 1;
  string(); // the topic's name
  const count = response.readInt32BE(at);
  at += 4;
  const settings = new Map<string, string>();
  for (let index = 0; index < count; index++) {
    const name = string();
    const value = string();
    at += 1 + 1 + 1; // read-only, source, sensitive
    at += 4; // no synonyms
    if (name !== undefined && value !== undefined) settings.set(name, value);
  }
  return settings;
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([int16(bytes.length), bytes]);
}
