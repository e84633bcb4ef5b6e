import { randomUUID } from 'node:crypto';
import type { Sql } from '@catalogue/postgres';
import { createDatabase, type TestDatabase, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { appendWithin, migrateEventStore, readForward, start } from './index.ts';

async function freshStore(): Promise<TestDatabase> {
  const db = await createDatabase(inject('servers').writeDb, migrateEventStore);
  // The caller's row, which locks a stream.
  await db.sql`create table owned (id uuid primary key, changes integer not null default 0)`;
  return db;
}

const event = () => ({ id: randomUUID(), type: 'Tested', schemaVersion: 1, payload: { a: 'ü"' }, metadata: {} });

/** The versions of a stream in reading order, when no transaction is open. */
const versionsOf = (sql: Sql, stream: string) =>
  waitFor('no transaction to hide events', async () => {
    const [hidden] = await sql<{ hidden: number }[]>`
      select count(*)::integer as hidden from events where transaction_id >= pg_snapshot_xmin(pg_current_snapshot())`;
    if (hidden?.hidden !== 0) return undefined;
    const events = await readForward(sql, start, 1000);
    return events.filter((each) => each.stream === stream).map(({ version }) => version);
  });

test('an event is appended as the next version, with what its transaction writes, or not at all', async () => {
  await using db = await freshStore();
  const stream = randomUUID();
  const write = (isKept: boolean) =>
    db.sql.begin(async (tx) => {
      await tx`insert into owned values (${randomUUID()})`;
      const version = await appendWithin(tx, stream, event());
      if (!isKept) throw new Error('given up');
      return version;
    });
  expect(await write(true)).toBe(1);
  await expect(write(false)).rejects.toThrow('given up');
  expect(await write(true)).toBe(2);
  expect(await versionsOf(db.sql, stream)).toEqual([1, 2]);
  const [first] = await readForward(db.sql, start, 1);
  expect(first).toMatchObject({ stream, type: 'Tested', schemaVersion: 1, payload: { a: 'ü"' }, metadata: {} });
});

test('readers see a stream in order when the transaction of version 2 is older than that of version 1', async () => {
  await using db = await freshStore();
  const stream = randomUUID();
  const wrote = Promise.withResolvers<void>();
  const appended = Promise.withResolvers<void>();
  const older = db.sql.begin(async (tx) => {
    await tx`insert into owned values (${randomUUID()})`;
    wrote.resolve();
    await appended.promise;
    await appendWithin(tx, stream, event());
  });
  await wrote.promise;
  await db.sql.begin((tx) => appendWithin(tx, stream, event()));
  expect(await readForward(db.sql, start, 10)).toEqual([]);
  appended.resolve();
  await older;
  expect(await versionsOf(db.sql, stream)).toEqual([1, 2]);
});

test('concurrent writers that lock the stream by a row append every version once, in order', async () => {
  await using db = await freshStore();
  const stream = randomUUID();
  await db.sql`insert into owned values (${stream})`;
  const write = () =>
    db.sql.begin(async (tx) => {
      await tx`insert into owned values (${randomUUID()})`;
      await tx`update owned set changes = changes + 1 where id = ${stream}`;
      await appendWithin(tx, stream, event());
    });
  await Promise.all(Array.from({ length: 40 }, write));
  expect(await versionsOf(db.sql, stream)).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
});
