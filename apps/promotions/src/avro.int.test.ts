import { productContract } from '@catalogue/contracts';
import { publish, SchemaRegistry } from '@catalogue/registry';
import { readTopic, startOwnRegistry } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { expectGivenBack } from '../test/oracle.ts';
import { Pipeline } from '../test/pipeline.ts';

test('a promotion goes on while the events turn from JSON into Avro', async () => {
  const { kafka } = inject('servers');
  await using pipeline = await Pipeline.start(inject('servers'));
  await using server = await startOwnRegistry();
  const topic = pipeline.env['KAFKA_TOPIC'] ?? '';
  await publish(new SchemaRegistry({ url: server.url, user: '', password: '' }, 30_000), productContract, topic);
  const products = await pipeline.create(10, 20);
  const id = await pipeline.schedule(products, 600_000);
  await pipeline.reaches(id, 'active');

  Object.assign(pipeline.env, { SCHEMA_REGISTRY_URL: server.url, EVENT_CODEC: 'avro' });
  await Promise.all([pipeline.kill('outbox-relay'), pipeline.kill('promotions')]);
  await pipeline.run('outbox-relay', 'promotions');
  await pipeline.endIn(id, 1_000);
  await pipeline.reaches(id, 'ended');
  await expectGivenBack(pipeline, products);
  // Two events of each product before, and one after.
  const forms = (await readTopic(kafka, topic, 6)).map(({ value }) => (value?.[0] === 0 ? 'avro' : 'json'));
  expect(forms.toSorted()).toEqual(['avro', 'avro', 'json', 'json', 'json', 'json']);
});
