import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, createTopic, startProcess, type TestDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { applied, event, newIds, openSender, readModel, startWorker } from '../test/fixture.ts';

const { readDb, kafka } = inject('servers');
const program = fileURLToPath(new URL('../test/crashing-worker.ts', import.meta.url));

/** Runs a worker until it is killed at a point of its work; resolves when it is gone. */
async function crash(point: string, db: TestDatabase, topic: string): Promise<void> {
  const env = { PATH: process.env['PATH'], KAFKA_BROKER: kafka, KAFKA_TOPIC: topic, READ_DB_DSN: db.dsn, PORT: '0' };
  const args = ['--conditions=@catalogue/source', program, point];
  // SIGTERM when it never gets there: then the test fails, and leaves no process.
  const child = spawn(process.execPath, args, { env, stdio: 'ignore', timeout: 60_000 });
  expect(await once(child, 'exit')).toEqual([null, 'SIGKILL']);
}

const whole = (ids: string[], version: number) => new Map(ids.map((id) => [id, { version, price: `${version}.00` }]));

test.each(['before commit', 'after commit'])(
  'killed %s of a batch, again and again: everything is applied once, and nobody is blamed',
  async (point) => {
    await using db = await createDatabase(readDb, migrateReadModel);
    await using topic = await createTopic(kafka, 2);
    await using sender = await openSender(kafka, topic);
    const ids = newIds(150);
    for (let version = 1; version <= 20; version++) await sender.send(ids.map((id) => event(id, version)));
    // A third time at the same place, and the message there would rightly be blamed.
    for (let round = 0; round < 2; round++) await crash(point, db, topic.name);
    await using _worker = await startWorker(kafka, db.dsn, topic.name);
    await applied(db, ids.length * 20);
    expect(await readModel(db)).toEqual(whole(ids, 20));
    expect(await db.sql`select from parked_events`).toHaveLength(0);
    // Every step of every product is told once, in order.
    expect(
      await db.sql`select product_id from changes group by product_id
        having array_agg(version order by seq) <> (select array_agg(v) from generate_series(1, 20) v)`,
    ).toEqual([]);
  },
  240_000, // Beside a load of 35 it took 119 s.
);

test('a message that crashes the process is found at the third attempt and parked alone', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  await sender.send([
    event('good', 1),
    event('bad', 1),
    event('bad', 2, { type: 'poison' }),
    event('bad', 3),
    event('good', 2),
  ]);
  // Twice in a batch, once alone.
  for (let attempt = 1; attempt <= 3; attempt++) await crash('read', db, topic.name);
  expect(await db.sql`select next, attempts from consumer_offsets`).toEqual([{ next: 2, attempts: 3 }]);
  await using _worker = await startWorker(kafka, db.dsn, topic.name);
  await applied(db, 5);
  expect(await db.sql`select "offset", reason from parked_events order by "offset"`).toEqual([
    { offset: 2, reason: 'crash' },
    { offset: 3, reason: 'gap' },
  ]);
  expect(await readModel(db)).toEqual(
    new Map([
      ['good', { version: 2, price: '2.00' }],
      ['bad', { version: 1, price: '1.00' }],
    ]),
  );
  expect(await db.sql`select next, attempts from consumer_offsets`).toEqual([{ next: 5, attempts: 0 }]);
});

test('messages of other partitions that were in progress during a crash are not blamed', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 6);
  await using sender = await openSender(kafka, topic);
  const ids = Array.from({ length: 30 }, (_, index) => `good ${index}`);
  await sender.send([event('bad', 1, { type: 'poison' }), ...ids.map((id) => event(id, 1))]);
  const isFound = async () => {
    const [row] = await db.sql`select from consumer_offsets where attempts >= 3`;
    return row !== undefined;
  };
  do await crash('read', db, topic.name);
  while (!(await isFound()));
  await using _worker = await startWorker(kafka, db.dsn, topic.name);
  await applied(db, 31);
  expect(await db.sql`select product_id as id, reason from parked_events`).toEqual([{ id: 'bad', reason: 'crash' }]);
  expect((await readModel(db)).size).toBe(30);
}, 120_000);

// The client is known to stall without a word; so may whatever else a batch waits for.
test('the watchdog ends a worker whose batches do not end although brokers and database answer', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  await sender.send([event('mouse', 1)]);
  const env = { KAFKA_BROKER: kafka, KAFKA_TOPIC: topic.name, READ_DB_DSN: db.dsn, PORT: '0', LOG_LEVEL: 'error' };
  await using worker = startProcess(new URL('../test/crashing-worker.ts', import.meta.url), ['stall'], env);
  expect(await worker.exited).toBe(1);
  expect(worker.stdout()).toMatch(/stays at offset 0, 1 behind, for 30 s/);
  await using _next = await startWorker(kafka, db.dsn, topic.name);
  await applied(db, 1);
  expect(await db.sql`select from parked_events`).toHaveLength(0);
}, 120_000);
