import { randomUUID } from 'node:crypto';
import { checkOrigin, migrateEventStore, type PlacedEvent, readForward, start } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import { createDatabase, startProcess, waitFor } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import type { ItemState } from '../machine/item.ts';
import { promotionStates, type PromotionState } from '../machine/promotion.ts';
import { announce } from './announce.ts';
import { migratePromotions } from './migrate.ts';

const { writeDb } = inject('servers');

async function createPromotion(sql: Sql, items: readonly ItemState[]): Promise<string> {
  const id = randomUUID();
  await sql`
    insert into promotions (id, name, rule, amount, starts_at, ends_before, on_refusal, state, due_at, fingerprint)
    values (${id}, 'Black Friday', 'percent', 20, '2026-11-27T00:00:00Z', '2026-11-30T00:00:00Z', 'skip', 'claiming', now(), 'f')`;
  for (const [index, state] of items.entries()) {
    await sql`insert into promotion_items (promotion, product, state, before_cents, promoted_cents)
      values (${id}, ${`p${index}`}, ${state}, 100, 80)`;
  }
  return id;
}

/** The events in the log, once no transaction of the server hides any. */
const readLog = (sql: Sql, count: number): Promise<PlacedEvent[]> =>
  waitFor(`${count} events`, async () => {
    const events = await readForward(sql, start, 100);
    return events.length === count ? events : undefined;
  });

test('a promotion announces that it was scheduled, started and ended, with counts of its products', async () => {
  await using db = await createDatabase(writeDb, migratePromotions);
  const id = await createPromotion(db.sql, ['given-back', 'given-back', 'kept', 'gone', 'refused', 'untouched']);
  for (const state of ['scheduled', 'active', 'ended'] as const) await db.sql.begin((tx) => announce(tx, id, state));
  const outcome = { products: 6, applied: 0, refused: 1, givenBack: 2, kept: 1, gone: 1 };
  const shared = { id, name: 'Black Friday' };
  const period = { startsAt: '2026-11-27T00:00:00.000Z', endsBefore: '2026-11-30T00:00:00.000Z' };
  const events = await readLog(db.sql, 3);
  expect(events.map(({ stream, version, type, payload }) => ({ stream, version, type, payload }))).toEqual([
    { stream: id, version: 1, type: 'PromotionScheduled', payload: { ...shared, ...period, products: 6 } },
    {
      stream: id,
      version: 2,
      type: 'PromotionStarted',
      payload: { ...shared, endsBefore: period.endsBefore, outcome },
    },
    { stream: id, version: 3, type: 'PromotionEnded', payload: { ...shared, outcome } },
  ]);
});

test('every state that ends a scheduled promotion is announced, and no state that only this service knows', async () => {
  await using db = await createDatabase(writeDb, migratePromotions);
  const announced: Partial<Record<PromotionState, string>> = {};
  let count = 0;
  for (const state of promotionStates) {
    const id = await createPromotion(db.sql, []);
    await db.sql.begin((tx) => announce(tx, id, state));
    const [event] = await db.sql<{ type: string }[]>`select type from events where stream = ${id}`;
    if (event !== undefined) announced[state] = event.type;
    count += event === undefined ? 0 : 1;
  }
  expect(announced).toEqual({
    scheduled: 'PromotionScheduled',
    active: 'PromotionStarted',
    ended: 'PromotionEnded',
    undone: 'PromotionUndone',
    cancelled: 'PromotionUndone',
    missed: 'PromotionUndone',
  });
  expect(await readLog(db.sql, count)).toHaveLength(6);
});

test('a transition that is rolled back announces nothing', async () => {
  await using db = await createDatabase(writeDb, migratePromotions);
  const id = await createPromotion(db.sql, []);
  const giveUp = db.sql.begin(async (tx) => {
    await announce(tx, id, 'scheduled');
    throw new Error('given up');
  });
  await expect(giveUp).rejects.toThrow('given up');
  expect(await db.sql`select from events`).toHaveLength(0);
});

test('a log restored on another server is refused until the migration adopts it', async () => {
  await using db = await createDatabase(writeDb, migratePromotions);
  const id = await createPromotion(db.sql, []);
  await db.sql.begin((tx) => announce(tx, id, 'scheduled'));
  await db.sql`update log_origin set system_identifier = system_identifier + 1`;
  await expect(checkOrigin(db.sql)).rejects.toThrow('the same in apps/promotions for promotions');
  const env = { PROMOTIONS_DB_DSN: db.dsn };
  await using adopting = startProcess(new URL('../migrate.ts', import.meta.url), ['--adopt'], env);
  expect(await adopting.exited).toBe(0);
  expect(adopting.stdout()).toContain('The log of 1 events now belongs to this server');
  await checkOrigin(db.sql);
  expect(await readLog(db.sql, 1)).toHaveLength(1);
});

test('the tables of the log are those of the event store that a relay reads', async () => {
  await using db = await createDatabase(writeDb, migratePromotions);
  await using store = await createDatabase(writeDb, migrateEventStore);
  const tables = ['events', 'cursors', 'log_origin'];
  const describe = async (sql: Sql) => ({
    columns: await sql`
      select table_name, column_name, data_type, is_nullable, column_default, is_identity
      from information_schema.columns where table_name in ${sql(tables)} order by table_name, ordinal_position`,
    indexes: await sql`select indexdef from pg_indexes where tablename in ${sql(tables)} order by indexdef`,
    checks: await sql`
      select conrelid::regclass::text, pg_get_constraintdef(oid) from pg_constraint
      where conrelid::regclass::text in ${sql(tables)} order by 1, 2`,
    options: await sql`select relname, reloptions from pg_class where relname in ${sql(tables)} order by relname`,
    origin: await sql`select * from log_origin`,
  });
  expect(await describe(db.sql)).toEqual(await describe(store.sql));
});
