import { readOffsets } from '@catalogue/projection/testing';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, type TestDatabase, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { event } from '../../../test/fixture.ts';
import { buildIndexes, drainPiece, retryParked, startRebuild, switchGeneration } from '../../../test/products.ts';

const topic = 'events';
const mouse = (generation: number) => ({ generation, topic, productId: 'mouse' });

/** Two generations that are as far in the topic: the first serves, the second is in this state. */
async function openGenerations(state: 'filling' | 'retired') {
  const db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await startRebuild(db.sql);
  await buildIndexes(db.sql, 2);
  for (const generation of [1, 2]) await readOffsets(db.sql, { generation, topic, topicId: 'a' }, 1);
  await db.sql`update generations set state = ${state} where generation = 2`;
  return db;
}

/** The mouse at a version; its events from the next one to `last` wait, and are being released if it drains. */
async function addMouse(db: TestDatabase, generation: number, version: number, last: number, drains = true) {
  await db.sql`
    insert into products (generation, id, name, price, version, created_at, updated_at, event_id, parked)
    values (${generation}, 'mouse', 'Mouse', 1, ${version}, now(), now(), ${`mouse ${version}`}, ${last > version})`;
  for (let next = version + 1; next <= last; next++) {
    await db.sql`
      insert into parked_events (generation, topic, partition, "offset", product_id, version, event_id, type, reason, detail,
        message, draining)
      values (${generation}, 'before', 0, ${next}, 'mouse', ${next}, ${`mouse ${next}`}, 'ProductUpdated', 'queued', 'Waits',
        ${event('mouse', next).value}, ${drains && next === version + 1})`;
  }
}

const shown = async (db: TestDatabase) => (await db.sql`select version from products_read where id = 'mouse'`)[0];

test.each(['filling', 'retired'] as const)(
  'a switch to a %s generation waits while it releases events that readers have seen applied',
  async (state) => {
    await using db = await openGenerations(state);
    await addMouse(db, 1, 5, 5);
    await addMouse(db, 2, 2, 5);
    const toSecond = (within: number) => switchGeneration(db.sql, { to: 2, state, topic, within });
    await expect(toSecond(300)).rejects.toThrow(
      'changed nothing: generation 2 is still releasing the parked events of 1 products that generation 1 shows at a ' +
        'later version, such as mouse (at version 2, shown at 5)',
    );
    expect(await shown(db)).toEqual({ version: 5 });
    const switching = toSecond(30_000);
    await drainPiece(db.sql, mouse(2));
    expect(await switching).toBe(1);
    expect(await shown(db)).toEqual({ version: 5 });
  },
);

test('a switch does not wait for a generation that releases events which readers have not seen either', async () => {
  await using db = await openGenerations('filling');
  await addMouse(db, 1, 2, 5);
  await addMouse(db, 2, 2, 5);
  expect(await switchGeneration(db.sql, { to: 2, state: 'filling', topic })).toBe(1);
});

test('a switch and a release of events in one of its generations wait for each other', async () => {
  await using db = await openGenerations('filling');
  await addMouse(db, 1, 2, 5);
  const first = await heldBack(db, 'generations where generation = 1', () => drainPiece(db.sql, mouse(1)));
  expect(first.released).toHaveLength(3);

  await addMouse(db, 2, 2, 5);
  const toSecond = { to: 2, state: 'filling', topic, within: 300 } as const;
  await heldBack(
    db,
    "products where generation = 2 and id = 'mouse'",
    () => drainPiece(db.sql, mouse(2)),
    () => expect(switchGeneration(db.sql, toSecond)).rejects.toThrow('lock timeout'),
  );
  expect(await switchGeneration(db.sql, toSecond)).toBe(1);
});

test('an operator’s retry releases events in the serving generation last, so that no other is behind it', async () => {
  await using db = await openGenerations('filling');
  await addMouse(db, 1, 2, 5, false);
  await addMouse(db, 2, 2, 5, false);
  const retried = await heldBack(
    db,
    "products where generation = 2 and id = 'mouse'",
    () => retryParked(db.sql, 'mouse'),
    async () => expect(await shown(db)).toEqual({ version: 2 }),
  );
  expect(retried.map(({ generation, released }) => [generation, released])).toEqual([
    [1, 3],
    [2, 3],
  ]);
  expect(await shown(db)).toEqual({ version: 5 });
});

/** Begins work that waits for rows which are locked, does something meanwhile, and lets the rows go. */
async function heldBack<T>(
  db: TestDatabase,
  rows: string,
  begin: () => Promise<T>,
  meanwhile: () => Promise<void> = async () => {},
): Promise<T> {
  let work: Promise<T> | undefined;
  await db.sql.begin(async (tx) => {
    await tx.unsafe(`select from ${rows} for update`);
    work = begin();
    await waitFor('it to wait', async () => {
      const { count } = await db.sql`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;
      return count > 0;
    });
    await meanwhile();
  });
  return await (work as Promise<T>);
}
