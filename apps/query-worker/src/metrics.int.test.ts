import { measureParked, read, readOffsets } from '@catalogue/projection/testing';
import { migrateReadModel } from '@catalogue/read-schema';
import { createLogger, createMetrics } from '@catalogue/service';
import { createDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { event } from '../test/fixture.ts';
import { applyBatch, discardParked } from '../test/products.ts';

const scope = { generation: 1, topic: 'events', topicId: 'a' };

test('each scrape, the first included, reports the current number of parked products', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  const registry = createMetrics('test');
  measureParked(registry, db.sql, createLogger('test', 'silent'));
  await readOffsets(db.sql, scope, 1);
  const messages = [event('a', 2), event('a', 3), event('b', 2)].map(({ key, value }, offset) => {
    return { partition: 0, offset, key, value };
  });
  await applyBatch(db.sql, scope, { partition: 0, expected: 0 }, read(messages));
  const scrape = async () =>
    (await registry.metrics()).split('\n').filter((line) => line.startsWith('projection_parked'));
  const told = (products: number, events: number) => [
    expect.stringMatching(new RegExp(`^projection_parked_products\\{generation="1",.* ${products}$`)),
    expect.stringMatching(new RegExp(`^projection_parked_events\\{generation="1",.* ${events}$`)),
  ];
  expect(await scrape()).toEqual(told(2, 3));
  await discardParked(db.sql, 'a', { dryRun: false });
  expect(await scrape()).toEqual(told(1, 1));
});
