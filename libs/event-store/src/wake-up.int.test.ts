import { randomUUID } from 'node:crypto';
import type { Sql } from '@catalogue/postgres';
import { createDatabase, startOwnPostgres, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import {
  append,
  appendWithin,
  eventsAppended,
  hintAppended,
  loadCursor,
  migrateEventStore,
  moveCursor,
} from './index.ts';

/** From now on, and until it is disposed of, a commit that waits for its durability does not end. */
async function withoutDurability(sql: Sql) {
  const set = async (names: string) => {
    await sql.unsafe(`alter system set synchronous_standby_names = '${names}'`);
    await sql`select pg_reload_conf()`;
    await waitFor('the setting', async () => {
      const [row] = await sql<{ names: string }[]>`select current_setting('synchronous_standby_names') as names`;
      return row?.names === names;
    });
  };
  await set('missing');
  return { [Symbol.asyncDispose]: () => set('') };
}

test('a cursor and a hint do not wait until their commit is durable; an append does', async () => {
  await using server = await startOwnPostgres();
  await using db = await createDatabase(server.dsn('postgres'), migrateEventStore);
  let heard = 0;
  await db.sql.listen(eventsAppended, () => (heard += 1));
  await using durability = await withoutDurability(db.sql);

  hintAppended(db.sql)();
  await waitFor('the hint', () => heard > 0);
  const place = { transactionId: 10, position: 7 };
  await moveCursor(db.sql, 'relay', place);
  expect(await loadCursor(db.sql, 'relay')).toEqual(place);
  // An append waits: the statements before set nothing for their session.
  const event = { id: randomUUID(), type: 'Tested', schemaVersion: 1, payload: {}, metadata: {} };
  const appending = append(db.sql, [{ stream: randomUUID(), expectedVersion: 0, events: [event] }]);
  await waitFor('the append to wait', async () => {
    const waiting = await db.sql`select from pg_stat_activity where wait_event = 'SyncRep'`;
    return waiting.count > 0;
  });
  await durability[Symbol.asyncDispose]();
  await appending;
});

test('an event that is appended within a transaction is announced by its commit', async () => {
  await using db = await createDatabase(inject('servers').writeDb, migrateEventStore);
  let heard = 0;
  await db.sql.listen(eventsAppended, () => (heard += 1));
  const event = { id: randomUUID(), type: 'Tested', schemaVersion: 1, payload: {}, metadata: {} };
  await db.sql.begin(async (tx) => {
    await appendWithin(tx, randomUUID(), event);
    expect(heard).toBe(0);
  });
  await waitFor('the hint', () => heard === 1);
});
