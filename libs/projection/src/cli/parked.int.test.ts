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

test('a retry of all asks a registry that is away once', async () => {
  await using db = await createDatabase(readDb, migrateCounters);
  for (const [offset, id] of ['a', 'b', 'c'].entries()) await park(db.sql, id, offset, inSchema(7));
  let asked = 0;
  const away = () => {
    asked += 1;
    return Promise.reject(new Error('The schema registry does not work'));
  };
  const waiting = { released: 0, waitsFor: 'The schema registry does not work' };
  expect(await retryAll(db.sql, away)).toMatchObject([waiting, waiting, waiting]);
  expect(asked).toBe(1);
});
