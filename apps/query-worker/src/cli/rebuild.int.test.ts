import { readOffsets, type Tools } from '@catalogue/projection/testing';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { buildIndexes, startRebuild, switchGeneration, rebuild } from '../../test/products.ts';

const topic = 'events';

test('a switch is refused when the generation is not in the expected state', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await startRebuild(db.sql);
  for (const generation of [1, 2]) await readOffsets(db.sql, { generation, topic, topicId: 'a' }, 1);
  await buildIndexes(db.sql, 2);
  const show = (to: number, state: 'filling' | 'retired') => switchGeneration(db.sql, { to, state, topic });
  await expect(show(2, 'retired')).rejects.toThrow('Generation 2 is filling, not retired');
  await expect(show(9, 'retired')).rejects.toThrow('Generation 9 is dropped, not retired');
  expect(await show(2, 'filling')).toBe(1);
  // Another operator was as quick.
  await expect(show(2, 'filling')).rejects.toThrow('Generation 2 is serving, not filling');
  expect(await db.sql`select generation, state from generations order by generation`).toEqual([
    { generation: 1, state: 'retired' },
    { generation: 2, state: 'serving' },
  ]);
});

test('a second rollback changes nothing and says how to go forward', async () => {
  await using db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await startRebuild(db.sql);
  for (const generation of [1, 2]) await readOffsets(db.sql, { generation, topic, topicId: 'a' }, 1);
  await buildIndexes(db.sql, 2);
  await switchGeneration(db.sql, { to: 2, state: 'filling', topic });
  const rollback = rebuild.find(({ name }) => name === 'rebuild rollback');
  const tools = { sql: db.sql, topic } as unknown as Tools; // Kafka is not asked.
  const run = (positionals: string[]) => rollback?.run(tools, { positionals, flags: new Set(), options: new Map() });
  expect(await run([])).toMatchObject({ data: { from: 2, to: 1 } });
  await expect(run([])).rejects.toThrow('Generation 1 serves already, and it has no predecessor');
  expect(await run(['2'])).toMatchObject({ data: { from: 1, to: 2 } });
});
