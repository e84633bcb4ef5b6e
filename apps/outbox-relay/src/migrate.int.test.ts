import { findDangers } from '@catalogue/kafka';
import { migrateEventStore } from '@catalogue/event-store';
import {
  createDatabase,
  createTopic,
  type OwnKafkaCluster,
  runKafkaConfigs,
  startOwnKafkaCluster,
  startProcess,
  waitFor,
} from '@catalogue/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { startRelay } from '../test/fixture.ts';

const topic = 'product-events';

let cluster: OwnKafkaCluster;
beforeAll(async () => {
  cluster = await startOwnKafkaCluster(3);
});
afterAll(async () => {
  await cluster?.[Symbol.asyncDispose]();
});

async function migrate(settings: Record<string, string>) {
  await using program = startProcess(new URL('migrate.ts', import.meta.url), [], settings);
  return { code: await program.exited, stderr: program.stderr() };
}

function alter(brokers: string, name: string, config: string) {
  return runKafkaConfigs(
    `--bootstrap-server ${brokers} --alter --entity-type topics --entity-name ${name} --add-config ${config}`.split(
      ' ',
    ),
  );
}

test('on three brokers the topic gets three replicas and two required acknowledgements; fewer are refused until the named command corrects them', async () => {
  const settings = { KAFKA_BROKER: cluster.brokers, KAFKA_TOPIC: topic };
  expect(await migrate(settings)).toEqual({ code: 0, stderr: '' });
  await alter(cluster.brokers, topic, 'min.insync.replicas=1,cleanup.policy=compact');

  const refused = await migrate(settings);
  expect(refused).toEqual({ code: 1, stderr: expect.stringContaining('min.insync.replicas=1: ') as string });
  const command = /kafka-configs\.sh (.*)$/m.exec(refused.stderr)?.[1] ?? '';
  expect(await runKafkaConfigs(command.split(' '))).toMatchObject({ ok: true });
  expect(await migrate(settings)).toEqual({ code: 0, stderr: '' });
});

test('a relay reports at its start that the topic can lose events, and later that it no longer can', async () => {
  const { kafka, writeDb } = inject('servers');
  await using db = await createDatabase(writeDb, migrateEventStore);
  await using unsafe = await createTopic(kafka);
  await alter(kafka, unsafe.name, 'retention.bytes=1000');
  await using relay = await startRelay(db, kafka, unsafe, { checkTopicEvery: 100 });
  const warning = await waitFor('the warning', () => relay.logged.find(({ msg }) => msg.includes('can lose events')));
  expect(warning.msg).toContain('retention.bytes=1000');
  const detail = async () => (await relay.dependencies())['kafka']?.detail;
  // Anyone may read health, so only the log has the addresses of the brokers.
  expect(await detail()).toBe('The topic can lose events: the log says why, and which command corrects it');
  await waitFor('the relay to lead all the same', relay.isLeading);

  await alter(kafka, unsafe.name, 'retention.bytes=-1');
  await waitFor('the relay to see it', async () => (await detail()) === undefined);
  expect(await findDangers({ brokers: kafka, topic: unsafe.name })).toBeUndefined();
});
