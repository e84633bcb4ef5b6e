import { setTimeout as delay } from 'node:timers/promises';
import { GenerationDroppedError, readOffsets } from '@catalogue/projection/testing';
import { migrateReadModel } from '@catalogue/read-schema';
import type { OutgoingMessage } from '@catalogue/kafka';
import { createDatabase, createTopic, startProcess, type TestDatabase, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { applied, event, newIds, openSender, readModel, startWorker } from '../../../test/fixture.ts';
import {
  buildIndexes,
  compareGenerations,
  dropGeneration,
  startRebuild,
  switchGeneration,
} from '../../../test/products.ts';

const { readDb, kafka } = inject('servers');
const whole = (ids: string[], version: number) => new Map(ids.map((id) => [id, { version, price: `${version}.00` }]));
const states = async (db: TestDatabase) =>
  (await db.sql`select generation, state from generations order by generation`).map(
    (row) => `${row['generation']} ${row['state']}`,
  );

test('a rebuild repairs a broken read model, and the comparison shows the repairs first', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using _worker = await startWorker(kafka, db.dsn, topic.name);
  const ids = newIds(50).toSorted();
  const [wrong = '', gone = '', old = ''] = ids;
  await sender.send(ids.map((id) => event(id, 1)));
  await sender.send(ids.map((id) => event(id, 2)));
  await applied(db, 100);
  await db.sql`update products set price = 99 where id = ${wrong}`;
  await db.sql`delete from products where id = ${gone}`;
  await db.sql`update products set version = 1, price = 1, event_id = ${`${old} 1`} where id = ${old}`;
  await db.sql`insert into products (generation, id, name, price, version, created_at, updated_at)
    values (1, 'zz', 'Never created', 1, 1, now(), now())`;

  expect(await startRebuild(db.sql)).toBe(2);
  await applied(db, 100, 2);
  const parity = await compareGenerations(db.sql, { serving: 1, candidate: 2, topic: topic.name });
  expect(parity).toMatchObject({
    serving: { generation: 1, rows: 50 },
    candidate: { generation: 2, rows: 50 },
    different: 4,
    comparable: true,
    differences: [
      { id: wrong, serving: { price: 99, version: 2 }, candidate: { price: 2, version: 2 } },
      { id: gone, serving: null, candidate: { version: 2 } },
      { id: old, serving: { version: 1 }, candidate: { version: 2 } },
      { id: 'zz', serving: { name: 'Never created' }, candidate: null },
    ],
  });
  expect(parity.serving.hash).not.toBe(parity.candidate.hash);

  expect(await switchGeneration(db.sql, { to: 2, state: 'filling', topic: topic.name })).toBe(1);
  expect(await readModel(db)).toEqual(whole(ids, 2));
  expect(await states(db)).toEqual(['1 retired', '2 serving']);
});

test('two generations have no differences while events arrive, and equal hashes at rest', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using _worker = await startWorker(kafka, db.dsn, topic.name);
  const ids = newIds(100);
  await startRebuild(db.sql);
  const pair = { serving: 1, candidate: 2, topic: topic.name };
  await using load = sendOn(sender, ids);
  await waitFor('both to have begun', async () => (await db.sql`select from products where version > 0`).length >= 200);
  // At least five times, and until they were met at different places: that is up to chance.
  for (let times = 0, apart = 0; times < 5 || apart === 0; times++) {
    const { different, comparable, serving, candidate } = await compareGenerations(db.sql, pair);
    expect({ different, comparable }).toEqual({ different: 0, comparable: true });
    if (serving.hash !== candidate.hash) apart += 1;
  }
  const version = await load.stop();
  await applied(db, 100 * version);
  await applied(db, 100 * version, 2);
  const { different, serving, candidate } = await compareGenerations(db.sql, pair);
  expect([different, serving.hash, serving.rows]).toEqual([0, candidate.hash, 100]);
});

test('a generation that does not move is not comparable and cannot be switched to', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  const scope = { topic: topic.name, topicId: 'a' };
  await readOffsets(db.sql, { ...scope, generation: 1 }, 1);
  await startRebuild(db.sql);
  const toSecond = () => switchGeneration(db.sql, { to: 2, state: 'filling', topic: topic.name, within: 300 });
  await expect(toSecond()).rejects.toThrow(/No worker has begun to fill generation 2/);
  await readOffsets(db.sql, { ...scope, generation: 2 }, 1);
  await db.sql`update consumer_offsets set next = 6000 where generation = 1`;
  await db.sql`insert into products (generation, id, version) values (1, 'mouse', 7)`;
  expect(await compareGenerations(db.sql, { serving: 1, candidate: 2, topic: topic.name }, 100)).toMatchObject({
    different: 1,
    comparable: false,
  });
  await expect(toSecond()).rejects.toThrow(/changed nothing: generation 2 is 6000 events behind generation 1/);
  await expect(switchGeneration(db.sql, { to: 2, state: 'retired', topic: topic.name })).rejects.toThrow(
    'Generation 2 is filling, not retired',
  );
  await expect(switchGeneration(db.sql, { to: 3, state: 'retired', topic: topic.name })).rejects.toThrow(
    'Generation 3 is dropped, not retired',
  );
  expect(await states(db)).toEqual(['1 serving', '2 filling']);
});

test('during a switch and a rollback under load no reader sees a version go back or a product vanish', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using _worker = await startWorker(kafka, db.dsn, topic.name);
  await using _other = await startWorker(kafka, db.dsn, topic.name);
  const ids = newIds(200);
  // As fast as workers apply, and no faster: a generation that falls behind for good is not switched to.
  const keepPace = async (version: number, signal: AbortSignal) => {
    while (!signal.aborted) {
      const [slowest] = await db.sql<{ applied: string }[]>`
        select coalesce(sum(next), 0) as applied from generations left join consumer_offsets using (generation)
        where state <> 'dropped' group by generation order by applied limit 1`;
      if (200 * version - Number(slowest?.applied) <= 2000) return;
      await delay(10);
    }
  };
  await using load = sendOn(sender, ids, { keepPace });
  await using reader = startReader(db);
  await startRebuild(db.sql);
  await waitFor('the second to have them all', async () => {
    const rows = await db.sql`select from products where generation = 2 and version > 5`;
    return rows.length === 200;
  });
  const change = async (to: number, state: 'filling' | 'retired') =>
    await whileHeldBack(db, to, () => switchGeneration(db.sql, { to, state, topic: topic.name }));
  expect(await change(2, 'filling')).toBe(1);
  const [shown] = await db.sql`select max(version) as version from products where generation = 2`;
  for (let round = 0; round < 3; round++) {
    expect(await change(1, 'retired')).toBe(2);
    expect(await change(2, 'retired')).toBe(1);
  }
  await waitFor('the reader to have looked often', () => reader.looks() > 20);
  const version = await load.stop();
  expect(await reader.stop()).toEqual([]);
  await applied(db, 200 * version, 2);
  expect(await readModel(db)).toEqual(whole(ids, version));
  // Of the changes since the switch none is missing.
  const changes = await db.sql`
    select count(*) = max(seq) as dense, count(distinct (product_id, version)) = count(*) as once, min(version) as first,
      count(*) filter (where version > ${shown?.['version']}) as since
    from changes where generation = 2`;
  expect(changes).toEqual([
    { dense: true, once: true, first: expect.any(Number) as number, since: 200 * (version - shown?.['version']) },
  ]);
  expect(changes[0]?.['first']).toBeGreaterThan(1);
});

test('other workers continue a rebuild together after a worker was killed', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  const ids = newIds(500);
  for (let version = 1; version <= 60; version++) await sender.send(ids.map((id) => event(id, version)));
  await startRebuild(db.sql);
  const env = { KAFKA_BROKER: kafka, KAFKA_TOPIC: topic.name, READ_DB_DSN: db.dsn, PORT: '0' };
  await using killed = startProcess(new URL('../../main.ts', import.meta.url), [], env);
  await waitFor(
    'the second to be half built',
    async () => (await db.sql`select from products where generation = 2 limit 1`).length > 0,
    { every: 1 },
  );
  await db.sql.begin(async (tx) => {
    // It gets no further.
    await tx`select from change_counters where generation = 2 for update`;
    killed.kill('SIGKILL');
    await killed.exited;
  });
  const [begun] = await db.sql`select sum(next)::int as next from consumer_offsets where generation = 2`;
  expect(begun?.['next']).toBeLessThan(30_000);

  await using first = await startWorker(kafka, db.dsn, topic.name);
  await using second = await startWorker(kafka, db.dsn, topic.name);
  await applied(db, 30_000, 2);
  await waitFor('each to have three partitions of each generation', () =>
    [first, second].every(({ generations }) =>
      [1, 2].every(
        (wanted) =>
          generations.followed.find(({ generation }) => generation === wanted)?.consumer.partitions().length === 3,
      ),
    ),
  );
  await applied(db, 30_000);
  const parity = await compareGenerations(db.sql, { serving: 1, candidate: 2, topic: topic.name });
  expect(parity).toMatchObject({ different: 0, serving: { rows: 500, hash: parity.candidate.hash } });
  await switchGeneration(db.sql, { to: 2, state: 'filling', topic: topic.name });
  expect(await readModel(db)).toEqual(whole(ids, 60));
});

test('a generation that is filled while workers join, leave and are killed equals the serving one', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  const ids = newIds(400);
  const main = new URL('../../main.ts', import.meta.url);
  const env = { KAFKA_BROKER: kafka, KAFKA_TOPIC: topic.name, READ_DB_DSN: db.dsn, PORT: '0', LOG_LEVEL: 'silent' };
  const begun = async () => {
    const [row] = await db.sql<{ next: number }[]>`
      select coalesce(sum(next), 0)::int as next from consumer_offsets where generation = 2`;
    return row?.next ?? 0;
  };
  let version: number;
  {
    for (let past = 1; past <= 60; past++) await sender.send(ids.map((id) => event(id, past)));
    await using load = sendOn(sender, ids, { from: 61, every: 200 });
    await using stays = await startWorker(kafka, db.dsn, topic.name);
    await using killed = startProcess(main, [], env);
    await waitFor('both to work', () => stays.partitions().length === 3);
    await startRebuild(db.sql);
    await waitFor('it to be under way', async () => (await begun()) > 2000);
    killed.kill('SIGKILL');
    await killed.exited;
    // Joins while the group still waits for the one that was killed, and leaves.
    {
      await using _guest = await startWorker(kafka, db.dsn, topic.name);
      const before = await begun();
      await waitFor('it to go on', async () => (await begun()) > before + 2000);
    }
    await waitFor('it to have all partitions', () => stays.partitions().length === 6);
    const toSecond = { to: 2, state: 'filling', topic: topic.name, within: 60_000 } as const;
    expect(await switchGeneration(db.sql, toSecond)).toBe(1);
    version = await load.stop();
    await applied(db, ids.length * version);
    await applied(db, ids.length * version, 2);
    const pair = { serving: 2, candidate: 1, topic: topic.name };
    const { different, comparable, serving, candidate } = await compareGenerations(db.sql, pair);
    expect({ different, comparable, hash: serving.hash }).toEqual({
      different: 0,
      comparable: true,
      hash: candidate.hash,
    });
  }
  expect(await readModel(db)).toEqual(whole(ids, version));
  expect(await db.sql`select from parked_events`).toHaveLength(0);
}, 180_000);

test('only one generation is filled at a time, and dropping it ends its consumers and never reuses its number', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using worker = await startWorker(kafka, db.dsn, topic.name);
  const followed = () => worker.generations.followed.map(({ generation, state }) => `${generation} ${state}`);
  await startRebuild(db.sql);
  await expect(startRebuild(db.sql)).rejects.toThrow(/A generation is being filled already/);
  await waitFor('it to be followed', () => followed().length === 2);
  const ids = newIds(50);
  await sender.send(ids.map((id) => event(id, 1)));
  await applied(db, 50, 2);
  await expect(dropGeneration(db.sql, 1)).rejects.toThrow('Generation 1 serves');
  await expect(dropGeneration(db.sql, 7)).rejects.toThrow('There is no generation 7');

  await dropGeneration(db.sql, 2);
  await sender.send(ids.map((id) => event(id, 2)));
  await waitFor('its consumer to end', () => followed().length === 1);
  await applied(db, 100);
  await expect(dropGeneration(db.sql, 2)).rejects.toThrow('There is no generation 2');
  const left = await db.sql`
    select relname as name from pg_class where relname ~ '_g2' union all
    select 'offset' from consumer_offsets where generation = 2 union all
    select 'counter' from change_counters where generation = 2`;
  expect(left).toEqual([]);
  const late = { generation: 2, topic: topic.name, topicId: 'a' };
  await expect(readOffsets(db.sql, late, 6)).rejects.toThrow(GenerationDroppedError);

  expect(await startRebuild(db.sql)).toBe(3);
  await waitFor('the next to be followed', () => followed().includes('3 filling'));
  await switchGenerationWhenFilled(db, topic.name, 3);
  await waitFor('the worker to know', () => worker.generations.serving?.generation === 3);
  await dropGeneration(db.sql, 1);
  await waitFor('the first to be left', () => followed().join() === '3 serving');
  expect(await readModel(db)).toEqual(whole(ids, 2));
});

test('a generation that cannot be filled is reported while the serving one continues', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  await using worker = await startWorker(kafka, db.dsn, topic.name);
  // Without its partitions there is nowhere to write.
  await db.sql`insert into generations values (2, 'filling')`;
  await sender.send([event('mouse', 1)]);
  await applied(db, 1);
  const others = async () => (await worker.health()).dependencies['other generations'];
  await waitFor('it to be reported', async () => (await others())?.detail?.includes('no partition of relation'));
  expect(await others()).toMatchObject({
    status: 'catching-up',
    detail: expect.stringMatching(/^Generation 2 \(filling\): 1 partitions, 1 events behind; Offset 0 /) as string,
  });
  expect((await worker.health()).code).toBe(200);
  expect(await worker.metric('projection_partitions_stopped')).toEqual([
    expect.stringMatching(/generation="1".* 0$/),
    expect.stringMatching(/generation="2".* 1$/),
  ]);
  expect(await worker.metric('projection_lag_events')).toEqual([
    expect.stringMatching(/generation="1",partition="0".* 0$/),
    expect.stringMatching(/generation="2",partition="0".* 1$/),
  ]);
  expect(await worker.metric('projection_rebuild_progress')).toEqual([expect.stringMatching(/generation="2".* 0$/)]);
  // The process lives: no message is on its way to be taken for one that ends it.
  expect(await db.sql`select attempts from consumer_offsets where generation = 2`).toEqual([{ attempts: 0 }]);
});

test('a switch waits behind a long reader, and no reader waits behind the switch', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  for (const generation of [1, 2]) {
    if (generation === 2) await startRebuild(db.sql);
    await readOffsets(db.sql, { generation, topic: topic.name, topicId: 'a' }, 1);
  }
  await buildIndexes(db.sql, 2);
  const done = Promise.withResolvers<void>();
  const began = Promise.withResolvers<void>();
  const reading = db.sql.begin(async (tx) => {
    await tx`select from products_read`;
    began.resolve();
    await done.promise;
  });
  await began.promise;
  const switching = switchGeneration(db.sql, { to: 2, state: 'filling', topic: topic.name });
  let longest = 0;
  for (let attempts = 0; attempts < 3; ) {
    const before = performance.now();
    await db.sql`select from products_read`;
    const took = performance.now() - before;
    if (took > 20) attempts += 1;
    longest = Math.max(longest, took);
  }
  // Behind the switch a reader would wait until the long one ends, which is after this.
  expect(longest).toBeLessThan(5_000);
  expect(await states(db)).toEqual(['1 serving', '2 filling']);
  done.resolve();
  await reading;
  expect(await switching).toBe(1);
});

async function switchGenerationWhenFilled(db: TestDatabase, topic: string, to: number): Promise<void> {
  await waitFor('the switch to be possible', async () => {
    return await switchGeneration(db.sql, { to, state: 'filling', topic }).catch(() => undefined);
  });
}

/** Begins to switch to a generation that others are ahead of, and that moves only when the switch waits for it. */
async function whileHeldBack<T>(db: TestDatabase, generation: number, begin: () => Promise<T>): Promise<T> {
  const switching = await db.sql.begin(async (tx) => {
    await tx`select from consumer_offsets where generation = ${generation} order by partition for update`;
    await waitFor('the others to be ahead', async () => {
      const [row] = await tx`
        select sum(next) filter (where generation <> ${generation}) - sum(next) filter (where generation = ${generation}) as ahead
        from consumer_offsets`;
      return Number(row?.['ahead']) > 1000;
    });
    let isOver = false;
    const begun = begin().finally(() => {
      isOver = true;
    });
    await waitFor('the switch to wait', async () => {
      // Not in this transaction, which would see the sessions as they were at its first look.
      const waiting = await db.sql`
        select from pg_stat_activity
        where pid <> pg_backend_pid() and datname = current_database() and query like '%as missing%' and xact_start < clock_timestamp() - interval '100 ms'`;
      return isOver || waiting.length > 0;
    });
    return { begun };
  });
  return await switching.begun;
}

interface Pace {
  from?: number;
  every?: number;
  /** Waits until the next version may be sent. */
  keepPace?: (sent: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Sends the next version of every product, again and again, with so many milliseconds between;
 * `stop` resolves with the last.
 */
function sendOn(
  sender: { send: (messages: OutgoingMessage[]) => Promise<void> },
  ids: string[],
  { from = 1, every = 0, keepPace }: Pace = {},
) {
  return running(async (signal) => {
    let version = from - 1;
    while (!signal.aborted) {
      version += 1;
      await sender.send(ids.map((id) => event(id, version)));
      if (every > 0) await delay(every);
      await keepPace?.(version, signal);
    }
    return version;
  });
}

/** A reader that looks at everything, all the time, and remembers the highest version it saw of each product. */
function startReader(db: TestDatabase) {
  let looks = 0;
  const reader = running(async (signal) => {
    const seen = new Map<string, number>();
    const violations: string[] = [];
    while (!signal.aborted) {
      const rows = await readModel(db);
      looks += 1;
      for (const [id, version] of seen) {
        const found = rows.get(id)?.version;
        if (found === undefined || found < version) violations.push(`${id} was at ${version}, found ${found}`);
      }
      for (const [id, { version }] of rows) seen.set(id, version);
    }
    return violations;
  });
  return { ...reader, looks: () => looks };
}

/** Something that goes on until it is stopped, at the latest when it is disposed of. */
function running<T>(work: (signal: AbortSignal) => Promise<T>) {
  const ending = new AbortController();
  const ended = work(ending.signal);
  const stop = async () => {
    ending.abort();
    return await ended;
  };
  return { stop, [Symbol.asyncDispose]: async () => void (await stop().catch(() => {})) };
}
