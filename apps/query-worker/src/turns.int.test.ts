import type { Sql } from '@catalogue/postgres';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, createTopic, type TestDatabase, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { applied, event, newIds, openSender, readModel, startWorker } from '../test/fixture.ts';
import { startRebuild } from '../test/products.ts';

const { readDb, kafka } = inject('servers');

/** Products at version 1, by the partitions that their events are in. */
async function openCatalogue(products: number, partitions: number) {
  const db = await createDatabase(readDb, migrateReadModel);
  const topic = await createTopic(kafka, partitions);
  const sender = await openSender(kafka, topic);
  const ids = newIds(products);
  await sender.send(ids.map((id) => event(id, 1)));
  const messages = Map.groupBy(await topic.read(products), ({ partition }) => partition);
  const byPartition = [...messages.values()].map((list) => list.map(({ key }) => String(key)));
  {
    await using _worker = await startWorker(kafka, db.dsn, topic.name);
    await applied(db, products);
  }
  const close = async () => {
    for (const opened of [sender, topic, db]) await opened[Symbol.asyncDispose]();
  };
  return { db, topic, sender, ids, byPartition, [Symbol.asyncDispose]: close };
}

/** As if the process had ended twice at the next message of each partition: they go one at a time from there. */
const endedTwice = (db: TestDatabase) => db.sql`update consumer_offsets set attempts = 2`;

/** Makes each row that is written take so long. */
const slowDown = (db: TestDatabase, seconds: number) =>
  db.sql.unsafe(`
    create function slow() returns trigger language plpgsql as
      $$ begin perform pg_sleep(${seconds}); return new; end $$;
    create trigger slow before insert or update on products for each row execute function slow()`);

/** Locks rows in a session of its own until it is disposed of. */
async function lockRows(db: TestDatabase, generation: number, ids: readonly string[]): Promise<AsyncDisposable> {
  const held = Promise.withResolvers<void>();
  const letGo = Promise.withResolvers<void>();
  const ended = db.sql.begin(async (tx) => {
    await tx`select from products where generation = ${generation} and id = any(${[...ids]}) for update`;
    held.resolve();
    await letGo.promise;
  });
  await held.promise;
  return {
    [Symbol.asyncDispose]: async () => {
      letGo.resolve();
      await ended;
    },
  };
}

/** The versions of products in a generation. */
async function versions(db: TestDatabase, generation: number, ids: readonly string[]): Promise<number[]> {
  const rows = await db.sql<{ version: number }[]>`
    select version from products where generation = ${generation} and id = any(${[...ids]})`;
  return rows.map(({ version }) => version);
}

const isAt = (version: number) => (found: number[]) => found.every((it) => it === version);

/** Resolves when it tries something again that the database has refused. */
const retries = (worker: Awaited<ReturnType<typeof startWorker>>) =>
  waitFor('a retry', async () => {
    const [line = ''] = await worker.metric('projection_database_retries_total');
    return Number(line.split(' ').at(-1)) > 0;
  });

test('messages that are applied one at a time in a slow database, and partitions that wait for them, do not count as stalled', async () => {
  await using it = await openCatalogue(30, 2);
  const { db, topic, sender, ids } = it;
  await slowDown(db, 0.5);
  await endedTwice(db);
  await sender.send(ids.map((id) => event(id, 2)));
  await using worker = await startWorker(kafka, db.dsn, topic.name, undefined, { stalledAfterMs: 5_000 });
  await applied(db, 60);
  expect(worker.fault()).toBeUndefined();
  expect(await readModel(db)).toEqual(new Map(ids.map((id) => [id, { version: 2, price: '2.00' }])));
}, 120_000);

test('in a generation that is being filled, partitions with locked products do not hold up the others', async () => {
  await using it = await openCatalogue(60, 6);
  const { db, topic, sender, ids, byPartition } = it;
  await using worker = await startWorker(kafka, db.dsn, topic.name, undefined, { stalledAfterMs: 5_000 });
  await startRebuild(db.sql);
  await applied(db, 60, 2);
  // One more than go at once.
  const [locked, free] = [byPartition.slice(0, 3), byPartition.slice(3).flat()];
  expect(free.length).toBeGreaterThan(0);
  {
    await using _held = await lockRows(
      db,
      2,
      locked.flatMap(([first = '']) => first),
    );
    for (let version = 2; version <= 4; version++) {
      await sender.send(ids.map((id) => event(id, version)));
      await waitFor(`version ${version} of the others`, async () => isAt(version)(await versions(db, 2, free)));
    }
    expect(await versions(db, 2, locked.flat())).toEqual(locked.flat().map(() => 1));
  }
  await applied(db, 240, 2);
  expect(worker.fault()).toBeUndefined();
  expect(isAt(4)(await versions(db, 2, ids))).toBe(true);
}, 120_000);

test('batches of several partitions share a transaction, and those with locked products leave the others', async () => {
  await using it = await openCatalogue(60, 6);
  const { db, topic, sender, ids, byPartition } = it;
  await using worker = await startWorker(kafka, db.dsn, topic.name);
  let version = 1;
  const change = async () => {
    version += 1;
    await sender.send(ids.map((id) => event(id, version)));
  };
  await waitFor('fewer transactions than partitions', async () => {
    await change();
    await applied(db, 60 * version);
    const [row] = await db.sql<{ transactions: number }[]>`
      select count(distinct xmin::text)::integer as transactions from products where version = ${version}`;
    return row?.transactions !== undefined && row.transactions < byPartition.length;
  });

  const [[locked = ''] = [], ...others] = byPartition;
  const before = version;
  {
    await using _held = await lockRows(db, 1, [locked]);
    for (let round = 0; round < 3; round++) {
      await change();
      await waitFor('the others', async () => isAt(version)(await versions(db, 1, others.flat())));
    }
    expect(await versions(db, 1, [locked])).toEqual([before]);
  }
  await applied(db, 60 * version);
  expect(worker.fault()).toBeUndefined();
  expect(isAt(version)(await versions(db, 1, ids))).toBe(true);
});

test('when messages are applied one at a time, a locked product does not hold up other partitions and is not blamed', async () => {
  await using it = await openCatalogue(20, 2);
  const { db, topic, sender, byPartition } = it;
  const [locked = [], free = []] = byPartition;
  await endedTwice(db);
  {
    await using _held = await lockRows(db, 1, locked.slice(0, 1));
    await using worker = await startWorker(kafka, db.dsn, topic.name, undefined, { stalledAfterMs: 5_000 });
    await sender.send(locked.map((id) => event(id, 2)));
    await retries(worker);
    await sender.send(free.map((id) => event(id, 2)));
    await waitFor('the other partition', async () => isAt(2)(await versions(db, 1, free)));
    await sender.send(free.map((id) => event(id, 3)));
    await waitFor('the other partition again', async () => isAt(3)(await versions(db, 1, free)));
    expect(isAt(1)(await versions(db, 1, locked))).toBe(true);
    // The others go on, and the database is there: the process is as ready as it can be.
    expect((await worker.health()).dependencies['read model']).toMatchObject({ status: 'up' });
    expect(worker.fault()).toBeUndefined();
  }
  // The process that waited takes back what it counted.
  expect(await db.sql`select from consumer_offsets where attempts > 2`).toHaveLength(0);
  await using _next = await startWorker(kafka, db.dsn, topic.name);
  await applied(db, 40 + free.length);
  expect(await db.sql`select from parked_events`).toHaveLength(0);
}, 120_000);

/** A connection of which the answer to one statement is lost after it took effect. */
function losing(statement: RegExp, onAgain: (text: string) => void): (sql: Sql) => Sql {
  let lost = false;
  return (sql) =>
    new Proxy(sql, {
      apply: (target, self, args: unknown[]): unknown => {
        const sent = Reflect.apply(target as unknown as (...made: unknown[]) => unknown, self, args);
        const text = Array.isArray(args[0]) ? args[0].join('$') : '';
        if (!statement.test(text)) return sent;
        if (lost) onAgain(text);
        const answer = (sent as Promise<unknown>).then((found) => {
          if (lost) return found;
          lost = true;
          throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
        });
        return answer;
      },
    });
}

test('an attempt at a batch is counted once, even if the answer to the count was lost', async () => {
  await using it = await openCatalogue(1, 1);
  const { db, topic, sender, ids } = it;
  await db.sql`create table seen (attempts int)`;
  await db.sql.unsafe(`
    create function note() returns trigger language plpgsql as
      $$ begin insert into seen values (new.attempts); return new; end $$;
    create trigger note before update of attempts on consumer_offsets for each row when (new.next = old.next)
      execute function note()`);
  await sender.send(ids.map((id) => event(id, 2)));
  let counted = 0;
  const through = losing(/update consumer_offsets set attempts = /, () => (counted += 1));
  await using _worker = await startWorker(kafka, db.dsn, topic.name, undefined, { through });
  await applied(db, 2);
  expect(counted).toBe(1);
  expect(await db.sql`select max(attempts) as most from seen`).toEqual([{ most: 1 }]);
});

test('a stuck partition counts as stalled while another one waits for a lock', async () => {
  await using it = await openCatalogue(20, 2);
  const { db, topic, sender, ids, byPartition } = it;
  const [locked = [], stuck = []] = byPartition;
  let isStuck = false;
  // The first batch that is begun then gets no connection, ever.
  const through = (sql: Sql) =>
    new Proxy(sql, {
      get: (target, name): unknown => {
        if (name !== 'reserve' || !isStuck) return Reflect.get(target, name);
        isStuck = false;
        return () => new Promise<never>(() => {});
      },
    });
  await using worker = await startWorker(kafka, db.dsn, topic.name, undefined, { through, stalledAfterMs: 5_000 });
  await sender.send(ids.map((id) => event(id, 2)));
  await applied(db, 40);
  await using _held = await lockRows(db, 1, locked.slice(0, 1));
  await sender.send(locked.map((id) => event(id, 3)));
  await retries(worker);
  isStuck = true;
  await sender.send(stuck.map((id) => event(id, 3)));
  await waitFor('the watchdog', () => worker.fault() !== undefined, { within: 60_000 });
  expect(worker.fault()).toMatchObject({ message: expect.stringMatching(/stays at offset .* for 5 s/) });
}, 120_000);

test('a batch that is stuck while a generation is filled goes to another consumer, and does nothing when it wakes up', async () => {
  await using it = await openCatalogue(20, 1);
  const { db, topic, ids } = it;
  const wakeUp = Promise.withResolvers<void>();
  let isStuck = false;
  const through = (sql: Sql) =>
    new Proxy(sql, {
      get: (target, name): unknown => {
        if (name !== 'reserve' || !isStuck) return Reflect.get(target, name);
        isStuck = false;
        return () => wakeUp.promise.then(() => target.reserve());
      },
    });
  await using worker = await startWorker(kafka, db.dsn, topic.name, undefined, { through, stalledAfterMs: 1_000 });
  await waitFor('the worker to have the partition', () => worker.partitions().length === 1);
  isStuck = true;
  await startRebuild(db.sql);
  await applied(db, 20, 2);
  wakeUp.resolve();
  const fenced = async () => Number((await worker.metric('projection_fenced_total'))[0]?.split(' ').at(-1));
  await waitFor('the fence to refuse the batch that woke up', async () => (await fenced()) === 1);
  expect(worker.fault()).toBeUndefined();
  expect(isAt(1)(await versions(db, 2, ids))).toBe(true);
}, 120_000);
