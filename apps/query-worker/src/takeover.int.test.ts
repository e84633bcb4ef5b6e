import { migrateReadModel } from '@catalogue/read-schema';
import {
  createDatabase,
  createTopic,
  openDoor,
  startOwnKafka,
  startProcess,
  type TestDatabase,
  waitFor,
} from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { applied, event, openSender, readModel, startWorker } from '../test/fixture.ts';

const { readDb, kafka } = inject('servers');
const main = new URL('main.ts', import.meta.url);
const environment = (brokers: string, dsn: string, topic: string) => ({
  KAFKA_BROKER: brokers,
  KAFKA_TOPIC: topic,
  READ_DB_DSN: dsn,
  PORT: '0',
});
/** Milliseconds: the contract says 15 s, and without the session's limits it takes two hours, or for ever. */
const takenOver = { within: 60_000 };

/** Holds the row of a product until it is told to let go. */
async function holdProduct(db: TestDatabase, id: string) {
  const letGo = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const ended = db.sql.begin(async (tx) => {
    await tx`select from products where id = ${id} for update`;
    held.resolve();
    await letGo.promise;
  });
  await held.promise;
  return async () => {
    letGo.resolve();
    await ended;
  };
}

/** Resolves when the worker's transaction, which holds locks, is in this state. */
async function batchIs(db: TestDatabase, state: 'waiting' | 'idle in transaction'): Promise<void> {
  await waitFor(`the batch to be ${state}`, async () => {
    // One that has waited for long gives up, to try again.
    const [row] = await db.sql<{ state: string }[]>`
      select case when wait_event_type is distinct from 'Lock' then state
        when query_start > clock_timestamp() - interval '500 ms' then 'waiting' end as state
      from pg_stat_activity
      where datname = current_database() and application_name = 'query-worker' and backend_xid is not null`;
    return row?.state === state;
  });
}

/**
 * Cuts the worker off in the middle of the transaction that applies what is sent, between two of its statements: it has
 * locks, and nothing is on its way to the server.
 */
async function cutOffInTransaction(db: TestDatabase, product: string, send: () => Promise<void>, cutOff: () => void) {
  const letGo = await holdProduct(db, product);
  await send();
  await batchIs(db, 'waiting');
  cutOff();
  await letGo();
  await batchIs(db, 'idle in transaction');
}

test('a worker that is frozen in a transaction is replaced, and writes nothing when it wakes up', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  await using frozen = startProcess(main, [], environment(kafka, db.dsn, topic.name));
  await sender.send([event('mouse', 1)]);
  await applied(db, 1);
  const send = () => sender.send([event('mouse', 2), event('rat', 1)]);
  await cutOffInTransaction(db, 'mouse', send, () => frozen.kill('SIGSTOP'));
  {
    await using _other = await startWorker(kafka, db.dsn, topic.name);
    await applied(db, 3, 1, takenOver);
    frozen.kill('SIGCONT');
    await sender.send([event('mouse', 3), event('rat', 2)]);
    await applied(db, 5);
  }
  await sender.send([event('mouse', 4), event('rat', 3)]);
  await applied(db, 7);
  expect(await readModel(db)).toEqual(
    new Map([
      ['mouse', { version: 4, price: '4.00' }],
      ['rat', { version: 3, price: '3.00' }],
    ]),
  );
  expect(await db.sql`select count(*)::int as steps from changes`).toEqual([{ steps: 7 }]);
}, 120_000);

test('a worker whose network is cut is replaced', async () => {
  await using broker = await startOwnKafka();
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(broker.brokers, 1);
  await using sender = await openSender(broker.brokers, topic);
  await using toDatabase = await openDoor(Number(new URL(db.dsn).port));
  const dsn = new URL(db.dsn);
  dsn.host = toDatabase.address;
  await using _cutOff = startProcess(main, [], environment(broker.door.address, dsn.href, topic.name));
  await sender.send([event('mouse', 1)]);
  await applied(db, 1);
  const send = () => sender.send([event('mouse', 2), event('rat', 1)]);
  await cutOffInTransaction(db, 'mouse', send, () => {
    toDatabase.freeze();
    broker.door.freeze();
  });
  await using _other = await startWorker(broker.brokers, db.dsn, topic.name);
  await applied(db, 3, 1, takenOver);
  expect((await readModel(db)).get('mouse')).toEqual({ version: 2, price: '2.00' });
}, 120_000);

test('a worker whose database connections are silent opens new ones', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  await using toDatabase = await openDoor(Number(new URL(db.dsn).port));
  const dsn = new URL(db.dsn);
  dsn.host = toDatabase.address;
  await using worker = await startWorker(kafka, dsn.href, topic.name);
  await sender.send([event('mouse', 1)]);
  await applied(db, 1);
  toDatabase.freeze();
  toDatabase.thaw();
  await sender.send([event('mouse', 2)]);
  await applied(db, 2, 1, takenOver);
  await waitFor('readiness to be back', async () => (await worker.health()).code === 200);
  expect(await readModel(db)).toEqual(new Map([['mouse', { version: 2, price: '2.00' }]]));
}, 120_000);
