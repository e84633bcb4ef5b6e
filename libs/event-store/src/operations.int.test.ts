import { randomUUID } from 'node:crypto';
import { connect, type Sql } from '@catalogue/postgres';
import { createDatabase, startOwnPostgres } from '@catalogue/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import {
  adoptLog,
  append,
  appendUnlessUsed,
  checkOrigin,
  findAnswers,
  findVersions,
  isHeldBack,
  KeyTaken,
  load,
  migrateEventStore,
  moveCursor,
  type NewAnswer,
  readBackward,
  readBacklog,
  readBarrier,
  readForward,
  removeExpiredKeys,
  start,
} from './index.ts';

const freshStore = () => createDatabase(inject('servers').writeDb, migrateEventStore);

const event = () => ({
  id: randomUUID(),
  type: 'Tested',
  schemaVersion: 1,
  payload: {},
  metadata: {},
});
const appendTo = (sql: Sql, stream: string, expectedVersion = 0, answers: NewAnswer[] = []) =>
  append(sql, [{ stream, expectedVersion, events: [event()] }], answers);
const answer = (stream: string, key: string, restsOnAppend = true): NewAnswer => ({
  subject: 's',
  key,
  fingerprint: randomUUID(),
  stream,
  version: 1,
  restsOnAppend,
});

describe('the answers of keyed commands', () => {
  test('are stored with the events that they rest on, never without them', async () => {
    await using db = await freshStore();
    const [won, lost] = [randomUUID(), randomUUID()];
    await appendTo(db.sql, lost);
    const answers = [answer(won, 'won'), answer(lost, 'lost'), answer(lost, 'changed nothing', false)];
    const late = [won, lost].map((stream) => ({ stream, expectedVersion: 0, events: [event()] }));
    await append(db.sql, late, answers);
    const found = await findAnswers(db.sql, answers);
    expect([...found.values()].map(({ key }) => key).toSorted()).toEqual(['changed nothing', 'won']);
  });

  test('that are looked up by the append itself keep all of their stream from being stored, and nothing else', async () => {
    await using db = await freshStore();
    const [first, again, other, both] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    const stored = answer(first, 'used');
    await appendTo(db.sql, first, 0, [stored]);
    const batch = [again, other, both].map((stream) => ({
      stream,
      expectedVersion: 0,
      events: [event(), event()],
    }));
    const answers = [
      answer(again, 'used'),
      answer(other, 'free'),
      { ...answer(both, 'used'), subject: 't' },
      answer(both, 'second'),
      answer(first, 'changed nothing', false),
    ];
    await appendTo(db.sql, randomUUID(), 0, [{ ...answer(both, 'second', false), version: 7 }]);
    const { won, used } = await appendUnlessUsed(db.sql, batch, answers);
    expect(won).toEqual(new Set([other]));
    expect(
      [...used.values()].map(({ key, stream, version, fingerprint }) => ({ key, stream, version, fingerprint })),
    ).toEqual([
      { key: 'used', stream: first, version: 1, fingerprint: stored.fingerprint },
      { key: 'second', stream: both, version: 7, fingerprint: expect.any(String) },
    ]);
    const loaded = await load(db.sql, [again, other, both], -1);
    expect([...loaded].map(([stream, { events }]) => [stream, events.length])).toEqual([[other, 2]]);
    const found = await findAnswers(db.sql, answers);
    expect([...found.values()].map(({ subject, key }) => `${subject} ${key}`).toSorted()).toEqual([
      's changed nothing',
      's free',
      's second',
      's used',
    ]);
  });

  test('are not stored if one key is taken, and neither is any event of the batch', async () => {
    await using db = await freshStore();
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
    await appendTo(db.sql, first, 0, [answer(first, 'k')]);
    const batch = [second, third].map((stream) => ({ stream, expectedVersion: 0, events: [event()] }));
    await expect(append(db.sql, batch, [answer(third, 'k')])).rejects.toBeInstanceOf(KeyTaken);
    expect((await load(db.sql, [second, third], 1)).size).toBe(0);
  });

  test('are removed when they are old, at most the limit at a time', async () => {
    await using db = await freshStore();
    const streams = Array.from({ length: 7 }, () => randomUUID());
    for (const stream of streams) await appendTo(db.sql, stream, 0, [answer(stream, stream)]);
    await db.sql`update idempotency_keys set created_at = now() - interval '25 hours' where key <> ${streams[0] ?? ''}`;
    const dayMs = 24 * 60 * 60 * 1000;
    expect(await removeExpiredKeys(db.sql, dayMs, 4)).toBe(4);
    expect(await removeExpiredKeys(db.sql, dayMs, 4)).toBe(2);
    expect(await removeExpiredKeys(db.sql, dayMs, 4)).toBe(0);
    expect(await db.sql`select key from idempotency_keys`).toEqual([{ key: streams[0] }]);
  });
});

test('a history is read backward, page by page', async () => {
  await using db = await freshStore();
  const stream = randomUUID();
  for (let version = 0; version < 5; version++) await appendTo(db.sql, stream, version);
  const versions = async (before: number) =>
    (await readBackward(db.sql, stream, before, 2)).map(({ version }) => version);
  expect([await versions(100), await versions(4), await versions(2), await versions(1)]).toEqual([
    [5, 4],
    [3, 2],
    [1],
    [],
  ]);
});

test('the backlog of a reader counts its unread events and tells the age of the oldest', async () => {
  await using db = await freshStore();
  expect(await readBacklog(db.sql, 'relay')).toEqual({ events: 0, ageSeconds: 0 });
  for (let i = 0; i < 3; i++) await appendTo(db.sql, randomUUID());
  await db.sql`update events set recorded_at = now() - interval '1 hour'`;
  const [first] = await readForward(db.sql, start, 1);
  await moveCursor(db.sql, 'relay', first ?? start);
  const { events, ageSeconds } = await readBacklog(db.sql, 'relay');
  expect(events).toBe(2);
  expect(Math.round(ageSeconds / 60)).toBe(60);
});

describe('on a separate server', () => {
  let server: Awaited<ReturnType<typeof startOwnPostgres>>;
  beforeAll(async () => {
    server = await startOwnPostgres();
  });
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]();
  });

  test('a writing transaction in any database is found with its age', async () => {
    await using db = await createDatabase(server.dsn('postgres'), migrateEventStore);
    await using other = await createDatabase(server.dsn('postgres'));
    expect(await readBarrier(db.sql)).toMatchObject({ writer: undefined, hidesEvents: false, seesAges: true });
    await other.sql.begin(async (tx) => {
      await tx`create table t (x int)`;
      const [row] = await tx<
        { pid: number; name: string }[]
      >`select pg_backend_pid() as pid, current_database() as name`;
      const age = expect.any(Number) as number;
      const writer = { pid: row?.pid, prepared: null, database: row?.name, age };
      expect(await readBarrier(db.sql)).toMatchObject({ writer, hidesEvents: false });
      await appendTo(db.sql, randomUUID());
      expect(await readBarrier(db.sql)).toMatchObject({ writer, hidesEvents: true });
    });
  });

  test('a log restored on another server is refused, and continues in order after it is adopted', async () => {
    await using db = await createDatabase(server.dsn('postgres'), migrateEventStore);
    await checkOrigin(db.sql);
    const streams = [randomUUID(), randomUUID(), randomUUID()];
    for (let version = 0; version < 4; version++) {
      for (const stream of streams) await appendTo(db.sql, stream, version);
    }
    const read = await readForward(db.sql, start, 5);
    await moveCursor(db.sql, 'relay', read.at(-1) ?? start);
    // As after a restore: written elsewhere, with transaction ids that this server has not reached.
    await db.sql`update log_origin set system_identifier = system_identifier + 1`;
    await db.sql`update events set transaction_id = (transaction_id::text::bigint + 1000000)::text::xid8`;
    await db.sql`update cursors set transaction_id = (transaction_id::text::bigint + 1000000)::text::xid8`;
    expect(await readForward(db.sql, start, 100)).toEqual([]);
    await expect(checkOrigin(db.sql)).rejects.toThrow('migrate.js --adopt');

    const [{ newest } = {}] = await db.sql<{ newest: Date }[]>`select max(recorded_at) as newest from events`;
    expect(await adoptLog(db.sql)).toEqual({ events: 12, newest });
    await checkOrigin(db.sql);
    await appendTo(db.sql, streams[0] ?? '', 4);
    const [cursor] = await db.sql<{ transactionId: number; position: number }[]>`
      select transaction_id as "transactionId", position from cursors`;
    const rest = await readForward(db.sql, cursor ?? start, 100);
    const inOrder = [...read, ...rest];
    expect(inOrder).toHaveLength(13);
    for (const stream of streams) {
      const versions = inOrder.filter((each) => each.stream === stream).map(({ version }) => version);
      expect(versions).toEqual(versions.map((_, index) => index + 1));
    }
  });
});

test('a migration on a standby fails with the reason', async () => {
  await using db = await createDatabase(inject('servers').writeDb);
  await db.sql`alter database ${db.sql(new URL(db.dsn).pathname.slice(1))} set default_transaction_read_only = on`;
  await expect(migrateEventStore(db.dsn)).rejects.toThrow('in a read-only transaction (Failed query: ');
});

test('statements planned while the tables were empty use the indexes after the tables have grown', async () => {
  await using db = await freshStore();
  const sql = connect(db.dsn, { name: 'test', max: 1 });
  const streams = Array.from({ length: 8 }, () => randomUUID());
  const keys = streams.map((key) => ({ subject: 's', key, fingerprint: key }));
  const ask = async () => {
    for (let i = 0; i < 10; i++) {
      await load(sql, streams, 1);
      await findAnswers(sql, keys);
      await findVersions(
        sql,
        streams.map((stream) => ({ stream, version: 1, id: stream })),
      );
      await readBackward(sql, streams[0] ?? '', 100, 10);
      await readForward(sql, start, 10);
      await isHeldBack(sql, start);
      await readBacklog(sql, 'relay');
      await readBarrier(sql);
      await append(
        sql,
        [{ stream: randomUUID(), expectedVersion: 0, events: [event()] }],
        [answer(randomUUID(), randomUUID(), false)],
      );
      await appendUnlessUsed(sql, [], [answer(randomUUID(), randomUUID(), false)]);
    }
  };
  const scans = async () => {
    await sql`select pg_stat_force_next_flush()`;
    return await sql`select relname, seq_scan from pg_stat_user_tables where relname in ('events', 'idempotency_keys', 'snapshots')
      order by relname`;
  };
  await ask();
  await sql`insert into idempotency_keys select 's', gen_random_uuid()::text, gen_random_uuid(), gen_random_uuid(), 1
    from generate_series(1, 20000)`;
  await sql`insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
    select gen_random_uuid(), 1, gen_random_uuid(), 'Tested', 1, '{}', '{}', now() from generate_series(1, 20000)`;
  const before = await scans();
  await ask();
  expect(await scans()).toEqual(before);
  await sql.end();
});
