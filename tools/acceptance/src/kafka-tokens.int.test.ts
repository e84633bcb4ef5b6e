import { randomUUID } from 'node:crypto';
import { type Brokers, ensureTopic, findDangers, KafkaError, openProducer, type Producer } from '@catalogue/kafka';
import { kafkaBrokers } from '@catalogue/service';
import {
  clientSecret,
  createAuthority,
  type Issuer,
  readTopic,
  type SecuredKafka,
  sendMessages,
  startIssuer,
  startSecuredKafka,
  waitFor,
} from '@catalogue/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** The client looks once a second whether its token needs renewal, and authenticates again after 90% of its time. */
const tokenSeconds = 12;
const topic = `test-${randomUUID()}`;
const owned = new AsyncDisposableStack();
let issuer: Issuer;
let kafka: SecuredKafka;
let ca: string;

beforeAll(async () => {
  const authority = await createAuthority();
  ca = authority.cert;
  issuer = owned.use(await startIssuer(['relay', 'neighbour'], tokenSeconds));
  kafka = owned.use(await startSecuredKafka(authority, {}, { issuer }));
  await kafka.grant('--allow-principal', 'User:relay', '--operation', 'All', '--topic', '*', '--group', '*');
});
afterAll(() => owned[Symbol.asyncDispose]());

/** As a service gets them, from its environment. */
function brokersOf(client: string, secret = clientSecret): Brokers {
  return kafkaBrokers.parse(kafka.brokers, {
    KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
    KAFKA_SASL_MECHANISM: 'OAUTHBEARER',
    KAFKA_SASL_USERNAME: client,
    KAFKA_SASL_PASSWORD: secret,
    KAFKA_SASL_TOKEN_URL: `${issuer.url}/token`,
    KAFKA_SSL_CA: ca,
  });
}

function recorder() {
  const lines: string[] = [];
  const note = (level: string) => (fields: { err?: unknown }, message: string) =>
    void lines.push(`${level} ${message} ${String(fields.err)}`);
  return { lines, log: { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') } };
}

async function send(producer: Producer, value: string): Promise<void> {
  const [delivery] = await producer.send(topic, [{ key: 'a', value: Buffer.from(value), headers: {} }]);
  if (delivery === undefined || 'error' in delivery) throw new Error(`Not delivered: ${value}`, { cause: delivery });
}

const isLoud = (line: string) => !line.startsWith('debug');

test('admin, settings of the topic, producer and consumer send tokens', async () => {
  const brokers = brokersOf('relay');
  await ensureTopic({ brokers, topic, partitions: 1, log: recorder().log });
  expect(await findDangers({ brokers, topic })).toBeUndefined();
  await sendMessages(brokers, topic, [{ key: 'a', value: Buffer.from('first'), headers: {} }]);
  expect((await readTopic(brokers, topic, 1)).map(({ value }) => String(value))).toEqual(['first']);
});

test('a client goes on for longer than its tokens live', async () => {
  const { lines, log } = recorder();
  const producer = openProducer({ brokers: brokersOf('relay'), clientId: 'test', log });
  try {
    await send(producer, 'before');
    const { given } = issuer;
    await waitFor('two renewals', () => issuer.given >= given + 2);
    await send(producer, 'after');
    expect(lines.filter(isLoud)).toEqual([]);
  } finally {
    await producer.close();
  }
});

test('while the issuer gives no token it is said once, and clients go on when it does again', async () => {
  const { lines, log } = recorder();
  const producer = openProducer({ brokers: brokersOf('relay'), clientId: 'test', log });
  try {
    await send(producer, 'admitted');
    issuer.withhold(true);
    await waitFor('Kafka to refuse the expired token', () => !producer.isConnected());
    // Then it asks again after 10 s only, and has been silent for long, while a second client would reach the broker at once.
    const failed = () => lines.filter((line) => line.includes('The Kafka client got no token')).length;
    await waitFor('the client to get no token twice', () => failed() >= 2);
    issuer.withhold(false);
    await send(producer, 'admitted again');
    await waitFor('the log to say it', () => lines.some((line) => line.includes('gives access tokens again')));
    expect(lines.filter((line) => line.includes('The issuer gives no access token'))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith('error'))).toEqual([]);
    expect(lines.join()).not.toContain(clientSecret);
  } finally {
    issuer.withhold(false);
    await producer.close();
  }
}, 120_000);

test('a client without ACLs is refused, and one with a wrong secret gets no token', async () => {
  const forged = [{ key: 'a', value: Buffer.from('forged'), headers: {} }];
  await expect(sendMessages(brokersOf('neighbour'), topic, forged)).rejects.toThrow(KafkaError);
  const refused = findDangers({ brokers: brokersOf('relay', 'wrong-secret'), topic });
  await expect(refused).rejects.toThrow(`${issuer.url}/token answered 401`);
  await expect(refused).rejects.not.toThrow('wrong-secret');
});

test('a broker that refuses the token says so', async () => {
  const { security } = brokersOf('relay') as Exclude<Brokers, string>;
  const now = Math.floor(Date.now() / 1000);
  const value = await issuer.sign({
    iss: issuer.url,
    aud: 'https://another.test',
    sub: 'relay',
    iat: now,
    exp: now + 60,
  });
  const token = async () => ({ value, expiresAt: Date.now() + 60_000 });
  const brokers: Brokers = {
    servers: kafka.brokers,
    security: { ...security, sasl: { mechanism: 'OAUTHBEARER', token } },
  };
  await expect(findDangers({ brokers, topic })).rejects.toThrow('The broker refuses the token');
});
