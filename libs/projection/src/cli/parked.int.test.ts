import { type Codec, jsonCodec } from '@catalogue/contracts';
import type { Sql, Transaction } from '@catalogue/postgres';
import { createDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { counterModel, migrateCounters } from '../../test/counter.ts';
import { insertParked } from '../tables/parked-messages.ts';
import type { Tools } from './command.ts';
import { parked } from './parked.ts';

const { readDb } = inject('servers');
const inSchema = (id: number) => Buffer.from([0, 0, 0, 0, id, 1]);

/** Parks a message as one that ended the worker. */
async function park(sql: Sql, productId: string, offset: number, value: Buffer): Promise<void> {
  const about = { version: null, eventId: null, type: null, traceparent: null };
  const wait = { reason: 'crash' as const, detail: 'The worker did not survive it' };
  await sql.begin((tx) =>
    insertParked(tx as Transaction, { generation: 1, topic: 'events' }, [
      { partition: 0, offset, productId, value, ...about, ...wait },
    ]),
  );
}

async function retryAll(sql: Sql, prepareToDecode: NonNullable<Codec['prepareToDecode']>): Promise<unknown> {
  const retry = parked.find(({ name }) => name === 'parked retry');
  const tools = { sql, model: counterModel, codec: { ...jsonCodec, prepareToDecode } } as Partial<Tools> as Tools;
  return (await retry?.run(tools, { positionals: [], flags: new Set(['all']), options: new Map() }))?.data;
}

const reasons = (sql: Sql) => sql`select "offset", reason, detail from parked_events order by "offset"`;
const crashed = { reason: 'crash', detail: 'The worker did not survive it' };

test('a retry of all asks a registry that is away once, and keeps why messages were parked', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  for (const [offset, id] of ['a', 'b', 'c'].entries()) await park(db.sql, id, offset, inSchema(7));
  let asked = 0;
  const away = () => {
    asked += 1;
    return Promise.reject(new Error('The schema registry is unavailable'));
  };
  const waiting = { released: 0, waitsFor: 'The schema registry is unavailable' };
  expect(await retryAll(db.sql, away)).toMatchObject([waiting, waiting, waiting]);
  expect(asked).toBe(1);
  expect(await reasons(db.sql)).toEqual([0, 1, 2].map((offset) => ({ offset, ...crashed })));
});

test('a message that is parked while a retry asks for schemas stays as it is', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  await park(db.sql, 'a', 0, inSchema(7));
  await retryAll(db.sql, () => park(db.sql, 'a', 1, inSchema(8)));
  expect(await reasons(db.sql)).toEqual([
    { offset: 0, reason: 'unreadable', detail: expect.stringMatching(/schema registry/) as string },
    { offset: 1, ...crashed },
  ]);
});
