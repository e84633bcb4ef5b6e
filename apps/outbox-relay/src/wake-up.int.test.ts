import { hintAppended } from '@catalogue/event-store';
import { createLogger } from '@catalogue/service';
import { createDatabase, waitFor } from '@catalogue/testing';
import { expect, inject, test, vi } from 'vitest';
import { WakeUp } from './wake-up.ts';

test('a hint of the event store reaches the relay, until it listens no more', async () => {
  await using db = await createDatabase(inject('servers').writeDb);
  const wakeUp = new WakeUp();
  const hint = vi.spyOn(wakeUp, 'hint');
  const unlisten = await wakeUp.listen(db.sql, createLogger('test', 'silent'));
  const first = hint.mock.calls.length;
  hintAppended(db.sql)();
  await waitFor('the hint', () => hint.mock.calls.length > first);
  await unlisten();
  const heard = hint.mock.calls.length;
  await db.sql`select pg_notify('events_appended', '')`;
  await db.sql`select 1`;
  expect(hint.mock.calls.length).toBe(heard);
});
