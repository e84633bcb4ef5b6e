import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { hasOlderClaimer } from './claims.ts';
import { hold, takeDue } from './due.ts';
import { migratePromotions } from './migrate.ts';

/** Stores a promotion, requested and due so many seconds ago. */
async function store(db: TestDatabase, ago: number, state: string): Promise<string> {
  const id = randomUUID();
  await db.sql`
    insert into promotions (id, fingerprint, name, rule, amount, starts_at, ends_before, on_refusal, state, due_at, held_until,
      created_at, is_claimed)
    select ${id}, '', 'Sale', 'percent', 2000, at, at + interval '1 hour', 'skip', ${state}, at, at, at, true
    from (values (now() - ${ago} * interval '1 s')) due (at)`;
  return id;
}

test('a promotion that had its turn waits for those that have not had theirs', async () => {
  await using db = await createDatabase(inject('servers').readDb, migratePromotions);
  const first = await store(db, 60, 'applying');
  const second = await store(db, 30, 'applying');
  expect(await takeDue(db.sql, 1)).toEqual([first]);
  await hold(db.sql, first, 0);
  expect(await takeDue(db.sql, 1)).toEqual([second]);
});

test('a promotion does not claim while an older one still has claims that it will give up', async () => {
  await using db = await createDatabase(inject('servers').readDb, migratePromotions);
  const older = await store(db, 60, 'claiming');
  const own = await store(db, 30, 'claiming');
  expect(await hasOlderClaimer(db.sql, own)).toBe(true);
  expect(await hasOlderClaimer(db.sql, older)).toBe(false);
});
