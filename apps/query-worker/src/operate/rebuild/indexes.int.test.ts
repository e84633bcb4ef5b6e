import { readOffsets, readProgress } from '@catalogue/projection/testing';
import { migrateReadModel, readerIndexes } from '@catalogue/read-schema';
import { createLogger } from '@catalogue/service';
import { createDatabase, type TestDatabase, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { productModel } from '../../model.ts';
import { buildIndexes, buildIndexesNowAndThen, startRebuild, switchGeneration } from '../../../test/products.ts';

const topic = 'events';
const toSecond = { to: 2, state: 'filling', topic, within: 300 } as const;

/** A generation that is being filled, beside one that serves and has applied so many events. */
async function openGenerations(applied = 0): Promise<TestDatabase> {
  const db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await startRebuild(db.sql);
  for (const generation of [1, 2]) await readOffsets(db.sql, { generation, topic, topicId: 'a' }, 1);
  await db.sql`update consumer_offsets set next = ${applied} where generation = 1`;
  return db;
}

/** The definitions of a generation's valid indexes, as if it were the first. */
const indexesOf = async (db: TestDatabase, generation: number) =>
  (
    await db.sql<{ definition: string }[]>`
      select replace(pg_get_indexdef(indexrelid), ${`_g${generation}`}::text, '_g1') as definition from pg_index
      where indrelid in (${`products_g${generation}`}::regclass, ${`product_names_g${generation}`}::regclass) and indisvalid
      order by 1`
  ).map(({ definition }) => definition);

const unbuilt = async (db: TestDatabase) => {
  const progress = await readProgress(db.sql, productModel(), { name: topic, id: 'a', partitions: 1, ends: [0] });
  return progress.map((generation) => generation.unbuilt);
};

/** Builds as a worker does, until it is disposed of. */
function startBuilding(db: TestDatabase) {
  const stop = new AbortController();
  const building = buildIndexesNowAndThen(db.sql, topic, createLogger('test', 'silent'), stop.signal);
  return {
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await building;
    },
  };
}

test('a generation is filled with its primary keys only, and gets the indexes of the first when it has caught up', async () => {
  await using db = await openGenerations(6000);
  await using _worker = startBuilding(db);
  await using _other = startBuilding(db);
  // Two looks of a worker.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  expect(await indexesOf(db, 2)).toEqual([
    expect.stringMatching(/UNIQUE INDEX product_names_g1_pkey/),
    expect.stringMatching(/UNIQUE INDEX products_g1_pkey/),
  ]);
  expect(await unbuilt(db)).toEqual([0, readerIndexes.length]);
  await db.sql`update consumer_offsets set next = 1001 where generation = 2`;
  await waitFor('the indexes', async () => (await unbuilt(db))[1] === 0);
  expect(await indexesOf(db, 2)).toEqual(await indexesOf(db, 1));
});

test('readers are not shown a generation with an index that is missing or not valid', async () => {
  await using db = await openGenerations();
  await buildIndexes(db.sql, 2);
  await db.sql`drop index products_g2_by_name`;
  await expect(switchGeneration(db.sql, toSecond)).rejects.toThrow(
    'changed nothing: the workers have not built these indexes of generation 2 yet: products_g2_by_name',
  );
  await buildIndexes(db.sql, 2);
  await db.sql`update pg_index set indisvalid = false where indexrelid = 'product_names_g2_by_trigrams'::regclass`;
  await expect(switchGeneration(db.sql, toSecond)).rejects.toThrow('product_names_g2_by_trigrams');
  await buildIndexes(db.sql, 2);
  expect(await switchGeneration(db.sql, toSecond)).toBe(1);
});

test('a build that is interrupted leaves nothing behind, and is done by another worker', async () => {
  await using db = await openGenerations();
  await using _worker = startBuilding(db);
  await using _other = startBuilding(db);
  const writing = await db.sql.reserve();
  await writing`begin`;
  await writing`insert into product_names (generation, id, folded) values (2, 'mouse', ' mouse ')`;
  // Waits for the transaction that writes.
  const builder = () => db.sql<{ pid: number }[]>`
    select pid from pg_stat_activity
    where datname = current_database() and query like 'create index %' and wait_event_type = 'Lock'`;
  const [first] = await waitFor('a build', async () => {
    const found = await builder();
    return found.length > 0 && found;
  });
  const ofNames = readerIndexes.filter(({ table }) => table === 'product_names').length;
  expect(await unbuilt(db)).toEqual([0, ofNames]);
  await db.sql`select pg_terminate_backend(${first?.pid ?? 0}, 5000)`;
  expect(await unbuilt(db)).toEqual([0, ofNames]);
  await writing`commit`;
  writing.release();
  await waitFor('the indexes', async () => (await unbuilt(db))[1] === 0);
  expect(await db.sql`select from pg_index where not indisvalid`).toHaveLength(0);
});

test('of two workers one builds', async () => {
  await using db = await openGenerations();
  const built: unknown[] = [];
  const log = { info: (about: object) => built.push(about) };
  await Promise.all([1, 2, 3].map(() => buildIndexes(db.sql, 2, log)));
  await buildIndexes(db.sql, 2, log);
  expect(built).toHaveLength(readerIndexes.length);
});
