import type { Sql, Transaction } from '@catalogue/postgres';
import { createLogger, createMetrics } from '@catalogue/service';
import { createDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { channel, createPriceTables, project } from '../../test/price-tables.ts';
import { ChangeFeed } from '../changes/feed.ts';
import { ChangeLog, type LogPosition } from '../changes/log.ts';
import { provenRows, proving } from '../changes/proof.ts';
import { RowLoader } from '../queries/row-loader.ts';
import { Consistency } from './consistency.ts';
import { findStatuses } from './statuses.ts';

interface Price {
  id: string;
  version: number;
  cents: number;
}

async function findPrices(sql: Sql | Transaction, ids: readonly string[], position: LogPosition | undefined) {
  const statement = sql<Price[]>`select id, version, cents from prices where generation = 1 and id = any(${[...ids]})`;
  return provenRows(await proving(sql, position, statement), position);
}

test('a service with other tables answers with the writes of the tokens, as query-api does', async () => {
  await using db = await createDatabase(inject('servers').readDb, createPriceTables);
  const feed = new ChangeFeed(new ChangeLog(db.sql, { columns: [], channel }), createLogger('test', 'silent'));
  const stop = new AbortController();
  const running = feed.run(stop.signal);
  const rows = new RowLoader((ids) => findPrices(db.sql, ids, feed.position));
  const statuses = new RowLoader((ids) => findStatuses(db.sql, 'prices', ids));
  const consistency = new Consistency({ feed, statuses, metrics: createMetrics('test') });
  const ask = async (id: string, version: number, waitMs = 60_000) => {
    const wait = { tokens: [{ id, version }], waitMs, gone: () => new AbortController().signal };
    return (await consistency.answer(wait, async () => await rows.find(id))).row;
  };
  await project(db.sql, ['a', 'b']);
  expect(await ask('a', 1)).toEqual({ isProven: true, isRow: true, id: 'a', version: 1, cents: 100 });
  const waiting = ask('a', 2);
  await expect(ask('b', 2, 0)).rejects.toMatchObject({ type: 'read-model-behind' });
  await project(db.sql, ['a'], { version: 2 });
  expect(await waiting).toMatchObject({ version: 2 });
  await project(db.sql, ['b'], { version: 1, parked: true });
  await expect(ask('b', 2)).rejects.toMatchObject({ type: 'product-parked' });
  stop.abort();
  await running;
});

test('a statement of a transaction proves that its snapshot includes a position', async () => {
  await using db = await createDatabase(inject('servers').readDb, createPriceTables);
  const feed = new ChangeFeed(new ChangeLog(db.sql, { columns: [], channel }), createLogger('test', 'silent'));
  await feed.current();
  const proven = await db.sql.begin('isolation level repeatable read read only', async (tx) => {
    const before = await findPrices(tx, ['a'], feed.position);
    await project(db.sql, ['a']);
    await feed.current();
    const after = await findPrices(tx, ['a'], feed.position);
    return { before: before.from, after: after.from, rows: after.rows.length };
  });
  expect(proven).toEqual({ before: expect.objectContaining({ seq: 0 }), after: undefined, rows: 0 });
});
