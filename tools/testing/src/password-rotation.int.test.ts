import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ensureTopic, findDangers, openAdmin, openConsumer, openProducer } from '@catalogue/kafka';
import { temporaryHome } from '@catalogue/local-stack';
import { expect, onTestFinished, test } from 'vitest';
import { createAuthority } from './certificates.ts';
import { startSecuredKafka } from './secured-kafka.ts';
import { waitFor } from './wait-for.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };

test('clients go on with a password that was changed at the broker, and then in its file', async () => {
  const authority = await createAuthority();
  // Clients have to authenticate again every second.
  const reauthenticate = { 'connections.max.reauth.ms': '1000' };
  await using kafka = await startSecuredKafka(authority, { relay: 'first' }, { settings: reauthenticate });
  await kafka.grant('--allow-principal', 'User:relay', '--operation', 'All', '--topic', '*', '--group', '*');
  const home = temporaryHome();
  onTestFinished(() => home.remove());
  const passwordFile = join(home.path, 'password');
  writeFileSync(passwordFile, 'first\n');
  const sasl = { mechanism: 'SCRAM-SHA-512', username: 'relay', password: 'first', passwordFile } as const;
  const brokers = {
    servers: kafka.brokers,
    security: { protocol: 'SASL_SSL', tls: { ca: authority.cert }, sasl },
  } as const;
  const topic = `test-${randomUUID()}`;
  await ensureTopic({ brokers, topic, partitions: 1, log });

  const producer = openProducer({ brokers, clientId: 'test', log });
  const admin = openAdmin({ brokers, clientId: 'test', log });
  const received: string[] = [];
  const stop = new AbortController();
  const consumer = openConsumer({
    brokers,
    topic,
    groupId: `test-${randomUUID()}`,
    clientId: 'test',
    log,
    offsets: async (partitions) => new Map(partitions.map((partition) => [partition, { next: 0 }])),
    apply: async ({ messages, next }) => {
      received.push(...messages.map(({ value }) => String(value)));
      return { next };
    },
  });
  const running = consumer.run(stop.signal);
  try {
    const send = (text: string) => producer.send(topic, [{ key: 'a', value: Buffer.from(text), headers: {} }]);
    await send('before');
    await waitFor('the first message', () => received.includes('before'));

    await kafka.changePassword('relay', 'second');
    await waitFor('the producer to be refused', () => !producer.isConnected());
    await expect(findDangers({ brokers, topic })).rejects.toThrow(/credentials|authentication/i);
    const sending = send('between');
    writeFileSync(passwordFile, 'second\n');
    expect(await sending).toEqual([{ partition: 0, offset: 1 }]);
    await waitFor('the second message', () => received.includes('between'));
    expect(await admin.describeTopic(topic)).toMatchObject({ name: topic });
    expect(await findDangers({ brokers, topic })).toBeUndefined();
    expect(received).toEqual(['before', 'between']);
  } finally {
    stop.abort();
    await running;
    admin.close();
    await producer.close();
  }
});
