import { randomInt, randomUUID } from 'node:crypto';
import { connect, errorCode, type Sql } from '@catalogue/postgres';
import { createDatabase, startOwnPostgres, type TestDatabase, waitFor } from '@catalogue/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { append, load, migrateEventStore, type PlacedEvent, type StoredChange, readForward, start } from './index.ts';

// Its own server: the transactions that these tests hold open would hide the events of all other tests.
let server: Awaited<ReturnType<typeof startOwnPostgres>>;
let db: TestDatabase;

beforeAll(async () => {
  server = await startOwnPostgres();
  db = await createDatabase(server.dsn('postgres'), migrateEventStore);
});
afterAll(async () => {
  await db?.[Symbol.asyncDispose]();
  await server?.[Symbol.asyncDispose]();
});

/** Decides on the loaded stream: each new event names the event before it. */
async function writeOnce(sql: Sql, streams: string[]): Promise<number> {
  const loaded = await load(sql, streams, 1);
  const appends = streams.map((stream) => {
    const history = loaded.get(stream)?.events ?? [];
    let decidedOn = history.at(-1)?.id ?? 'nothing';
    const events = Array.from({ length: randomInt(1, 4) }, () => {
      const event = {
        id: randomUUID(),
        type: 'Tested',
        schemaVersion: 1,
        payload: { decidedOn },
        metadata: {},
      };
      decidedOn = event.id;
      return event;
    });
    return { stream, expectedVersion: history.length, events };
  });
  const won = await append(sql, appends);
  return appends.filter(({ stream }) => won.has(stream)).reduce((sum, { events }) => sum + events.length, 0);
}

/** One writer on its own connection, until it is told to stop. Returns the number of events that it stored. */
async function write(streams: string[], signal: AbortSignal): Promise<number> {
  const sql = connect(db.dsn, { name: 'writer', max: 1 });
  let stored = 0;
  while (!signal.aborted) {
    const some = streams.toSorted(() => Math.random() - 0.5).slice(0, randomInt(1, streams.length));
    stored += await writeOnce(sql, some).catch((error: unknown) => {
      if (errorCode(error) === '40P01') return 0;
      throw error;
    });
  }
  await sql.end();
  return stored;
}

/** Keeps writing transactions open for a moment, so that transaction ids commit out of order. */
async function disturb(signal: AbortSignal): Promise<void> {
  const sql = connect(db.dsn, { name: 'disturber', max: 4 });
  const hold = async () => {
    while (!signal.aborted) {
      await sql.begin(async (tx) => {
        await tx`select pg_current_xact_id()`;
        await tx`select pg_sleep(${Math.random() * 0.02})`;
      });
    }
  };
  await Promise.all([hold(), hold(), hold(), hold()]);
  await sql.end();
}

/** Reads forward as the relay does, beside the writers, until it has read `total` events. */
async function readAll(isDone: (read: number) => boolean): Promise<PlacedEvent[]> {
  const read: PlacedEvent[] = [];
  await waitFor(
    'the reader to meet every event',
    async () => {
      const page = await readForward(db.sql, read.at(-1) ?? start, 50);
      read.push(...page);
      return page.length === 0 && isDone(read.length);
    },
    { every: 1 },
  );
  return read;
}

function expectUnbrokenChains(events: readonly StoredChange[]): void {
  const last = new Map<string, StoredChange>();
  for (const event of events) {
    const before = last.get(event.stream);
    expect(event.version).toBe((before?.version ?? 0) + 1);
    expect(event.payload).toEqual({ decidedOn: before?.id ?? 'nothing' });
    last.set(event.stream, event);
  }
}

test('a reader beside six writers on few products misses no event, and reads each product’s events in order', async () => {
  const streams = Array.from({ length: 5 }, () => randomUUID());
  const stop = new AbortController();
  const writing = Array.from({ length: 6 }, () => write(streams, stop.signal));
  const disturbing = disturb(stop.signal);
  let total = Number.POSITIVE_INFINITY;
  const reading = readAll((read) => read >= total);

  await waitFor('enough events', async () => {
    const [row] = await db.sql<{ count: number }[]>`select count(*) from events`;
    return (row?.count ?? 0) > 3000;
  });
  stop.abort();
  total = (await Promise.all(writing)).reduce((sum, stored) => sum + stored, 0);
  await disturbing;

  const read = await reading;
  expect(read).toHaveLength(total);
  expectUnbrokenChains(read);
  expectUnbrokenChains([...(await load(db.sql, streams, 1)).values()].flatMap(({ events }) => events));
});

test('an event committed during an older open transaction is read after that transaction ends, not skipped', async () => {
  const [first, second] = [randomUUID(), randomUUID()];
  const tip = (await readAll(() => true)).at(-1) ?? start;
  const written = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  const slow = db.sql.begin(async (tx) => {
    await append(tx as unknown as Sql, [{ stream: first, expectedVersion: 0, events: [anEvent()] }]);
    written.resolve();
    await release.promise;
  });
  await written.promise;
  await append(db.sql, [{ stream: second, expectedVersion: 0, events: [anEvent()] }]);

  expect(await readForward(db.sql, tip, 10)).toEqual([]);
  release.resolve();
  await slow;
  expect((await readForward(db.sql, tip, 10)).map(({ stream }) => stream)).toEqual([first, second]);
});

function anEvent() {
  return { id: randomUUID(), type: 'Tested', schemaVersion: 1, payload: {}, metadata: {} };
}
