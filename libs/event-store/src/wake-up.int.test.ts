import { randomUUID } from 'node:crypto';
import { createDatabase, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { appendWithin, eventsAppended, migrateEventStore } from './index.ts';

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
