import { connect } from '@catalogue/postgres';
import { type Output, read, readOffsets, type Tools, UsageError } from '@catalogue/projection/testing';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { expect, inject, test } from 'vitest';
import { applyBatch, parked } from '../../test/products.ts';

const scope = { generation: 1, topic: 'events', topicId: 'a' };
const event = (id: string, version: number) => ({
  id: `${id} ${version}`,
  type: version === 1 ? 'ProductCreated' : 'ProductUpdated',
  schemaVersion: 1,
  productVersion: version,
  payload: version === 1 ? { id, name: 'Mouse', price: 1 } : { id, price: version },
  timestamp: '2026-11-23T10:00:00Z',
});

/** A read model in which products a and b miss an event each. */
async function openDatabase(): Promise<TestDatabase> {
  const db = await createDatabase(inject('servers').readDb, migrateReadModel);
  await readOffsets(db.sql, scope, 1);
  const messages = [event('a', 1), event('a', 3), event('b', 2)].map((value, offset) => {
    return { partition: 0, offset, key: value.payload.id, value: Buffer.from(JSON.stringify(value)) };
  });
  await applyBatch(db.sql, scope, { partition: 0, expected: 0 }, read(messages));
  return db;
}

async function run(
  db: TestDatabase,
  name: string,
  positionals: string[],
  flags: string[] = [],
  options = {},
): Promise<Output> {
  const sql = connect(db.dsn, { name: 'test', max: 2 });
  const command = parked.find((it) => it.name === name);
  if (command === undefined) throw new Error(`There is no ${name}`);
  const tools = { sql } as unknown as Tools; // Kafka is not asked.
  const input = { positionals, flags: new Set(flags), options: new Map(Object.entries<string>(options)) };
  try {
    return await command.run(tools, input);
  } finally {
    await sql.end();
  }
}

test('parked products are listed and shown', async () => {
  await using db = await openDatabase();
  expect((await run(db, 'parked list', [])).text).toMatch(
    /1 +a +1 .* gap +Expected version 2.*\n.* +b +1 .* gap +Expected version 1/,
  );
  expect((await run(db, 'parked list', [], [], { reason: 'fork' })).text).toBe('No products are parked');
  expect((await run(db, 'parked show', ['a'])).text).toMatch(
    /events\[0\] offset 1 .*\n +gap: Expected.*\n.*\n +\{"id":"a 3"/,
  );
  await expect(run(db, 'parked show', ['c'])).rejects.toThrow('No messages of product c are parked');
});

test('a discard only prints what it would do, unless --yes is given', async () => {
  await using db = await openDatabase();
  const dry = await run(db, 'parked discard', [], ['all']);
  expect(dry.text).toMatch(/a +version 2 +1 +nothing\n.* +b +version 1 +1 +nothing\nNothing was discarded/);
  expect((await run(db, 'parked retry', ['a'])).text).toMatch(/a +0 +Expected version 2/);
  await run(db, 'parked discard', ['a'], ['yes']);
  expect((await run(db, 'parked list', [])).data).toMatchObject([{ productId: 'b' }]);
});

test('a command for several products names those that are not parked and handles the others', async () => {
  await using db = await openDatabase();
  const output = await run(db, 'parked discard', ['a', 'c'], ['yes']);
  expect(output).toMatchObject({
    data: [{ productId: 'a', released: 1 }],
    refused: 'No messages of product c are parked',
  });
  await expect(run(db, 'parked retry', ['a', 'c'])).rejects.toThrow(
    'No messages of product a are parked\nNo messages of product c are parked',
  );
  await expect(run(db, 'parked retry', [], ['all'], { reason: 'fork' })).rejects.toThrow('No parked products match');
});

test('a discard with --event discards that event only', async () => {
  await using db = await openDatabase();
  await expect(run(db, 'parked discard', [], ['all'], { event: 'a 3' })).rejects.toThrow(
    '--event needs the id of one product',
  );
  expect((await run(db, 'parked discard', ['a'], ['yes'], { event: 'a 3' })).text).toMatch(
    /event a 3 of version 3 +1 +nothing/,
  );
  expect(await db.sql`select version, parked from products where id = 'a'`).toEqual([{ version: 1, parked: false }]);
});

test('control characters in messages are escaped for a terminal and kept with --json', async () => {
  await using db = await openDatabase();
  const value = Buffer.from([0x1b, 0x5b, 0x32, 0x4a, 0x0a, 0xff]);
  const messages = [{ partition: 0, offset: 3, key: 'k\u001b[31m\n', value }];
  await applyBatch(db.sql, scope, { partition: 0, expected: 3 }, read(messages));
  const listed = await run(db, 'parked list', [], [], { reason: 'unreadable' });
  expect(listed.text).toMatch(/^generation .*\n +1 +k\\u001b\[31m\\u000a +1 .*$/);
  expect(listed.text).not.toContain('\u001b');
  const shown = await run(db, 'parked show', ['k\u001b[31m\n']);
  expect(shown.text).toContain('\n  \\u001b[2J\\u000a\ufffd');
  expect(shown.data).toMatchObject([{ base64: value.toString('base64') }]);
});

test.each([
  [[], [], {}, 'Name the products'],
  [['a'], ['all'], {}, 'Name the products'],
  [['a'], [], { reason: 'gap' }, '--reason and --older-than select among all products'],
  [[], ['all'], { reason: 'mood' }, '--reason must be one of'],
  [[], ['all'], { 'older-than': '5' }, '--older-than must be a duration'],
])('wrong arguments are answered with the right form: %j %j %j', async (positionals, flags, options, message) => {
  await using db = await openDatabase();
  const retrying = run(db, 'parked retry', positionals, flags, options);
  await expect(retrying).rejects.toThrow(UsageError);
  await expect(retrying).rejects.toThrow(message);
});
