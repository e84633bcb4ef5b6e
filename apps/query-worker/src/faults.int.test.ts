import { setTimeout as delay } from 'node:timers/promises';
import { migrateReadModel } from '@catalogue/read-schema';
import {
  createDatabase,
  createTopic,
  runBeside,
  startOwnPostgres,
  startProcess,
  type TestDatabase,
  waitFor,
} from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { applied, event, newIds, openDoor, openSender, readModel, startWorker } from '../test/fixture.ts';

const { readDb, kafka } = inject('servers');
const whole = (ids: string[], version: number) => new Map(ids.map((id) => [id, { version, price: `${version}.00` }]));

test('connections that end during batches lose no event and apply none twice', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using worker = await startWorker(kafka, db.dsn, topic.name);
  const ids = newIds(300);
  let killed = 0;
  const hasKilled = () => killed >= 5;
  const killing = async (over: AbortSignal) => {
    while (!over.aborted) {
      // In the middle of a transaction, when there is one.
      const rows = await db.sql`select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name = 'query-worker' and xact_start is not null`;
      killed += rows.length;
    }
  };
  await using beside = runBeside([killing]);
  let version = 0;
  await beside.during(async () => {
    while (version < 40 || !(hasKilled() || beside.over.aborted)) {
      version += 1;
      await sender.send(ids.map((id) => event(id, version)));
    }
  });
  await beside.end();
  await applied(db, ids.length * version);
  expect(await readModel(db)).toEqual(whole(ids, version));
  await waitFor('readiness to be back', async () => (await worker.health()).code === 200);
});

/** True while the worker is in a transaction. */
async function isBusy(db: TestDatabase): Promise<boolean> {
  const busy = await db.sql`select from pg_stat_activity
    where datname = current_database() and application_name = 'query-worker' and xact_start is not null`;
  return busy.count > 0;
}

test('crashes of PostgreSQL during batches lose no event and apply none twice', async () => {
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using server = await startOwnPostgres();
  {
    await using db = await createDatabase(server.dsn('postgres'), migrateReadModel);
    await using worker = await startWorker(kafka, db.dsn, topic.name);
    const ids = newIds(300);
    let versions = 0;
    const load = async (over: AbortSignal) => {
      while (!over.aborted) {
        versions += 1;
        await sender.send(ids.map((id) => event(id, versions)));
        // No faster than a busy machine can apply in the end.
        await delay(50);
      }
    };
    await using beside = runBeside([load]);
    await beside.during(async () => {
      for (let crash = 1; crash <= 3; crash++) {
        await waitFor('a batch to be under way', () => isBusy(db), { every: 1 });
        await server.crash();
        await server.restart();
        await waitFor('the worker to go on', async () => {
          return (await worker.health().catch(() => undefined))?.code === 200;
        });
      }
    });
    await beside.end();
    await applied(db, ids.length * versions);
    expect(await readModel(db)).toEqual(whole(ids, versions));
    const told = await db.sql`select count(*)::int as changes, max(seq)::int as last from changes`;
    expect(told).toEqual([{ changes: ids.length * versions, last: ids.length * versions }]);
    expect(await db.sql`select from parked_events`).toHaveLength(0);
  }
}, 120_000);

test('the worker waits while the database is down, says so, and continues when it is back', async () => {
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using db = await createDatabase(readDb, migrateReadModel);
  await using door = await openDoor(db.dsn);
  await using worker = await startWorker(kafka, door.dsn, topic.name);
  const ids = newIds(20);
  await sender.send(ids.map((id) => event(id, 1)));
  await applied(db, 20);
  await door.shut();
  await sender.send(ids.map((id) => event(id, 2)));
  await waitFor('readiness to say so', async () => {
    const { code, dependencies } = await worker.health();
    return code === 503 && dependencies['read model']?.status === 'down';
  });
  await door.open();
  await applied(db, 40);
  expect(await readModel(db)).toEqual(whole(ids, 2));
});

test.each([
  ['SIGTERM', 0],
  ['SIGKILL', 'SIGKILL'],
] as const)('%s under load loses nothing: another goes on where it was', async (signal, exit) => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  const ids = newIds(200);
  const load = async () => {
    for (let version = 1; version <= 50; version++) await sender.send(ids.map((id) => event(id, version)));
  };
  await using beside = runBeside([load]);
  const env = { KAFKA_BROKER: kafka, KAFKA_TOPIC: topic.name, READ_DB_DSN: db.dsn, PORT: '0' };
  await using worker = startProcess(new URL('./main.ts', import.meta.url), [], env);
  await waitFor('the process to apply', async () => (await readModel(db)).size > 0);
  worker.kill(signal);
  // One that ended in no order within 9 s would end with 1.
  expect(await worker.exited).toBe(exit);

  await using _other = await startWorker(kafka, db.dsn, topic.name);
  await beside.end();
  await applied(db, ids.length * 50);
  expect(await readModel(db)).toEqual(whole(ids, 50));
});
