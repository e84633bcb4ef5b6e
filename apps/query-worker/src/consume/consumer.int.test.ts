import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { openAdmin } from '@catalogue/kafka';
import { readOffsets } from '@catalogue/projection/testing';
import { changesAppended, migrateReadModel } from '@catalogue/read-schema';
import { createLogger } from '@catalogue/service';
import { createDatabase, createTopic, waitFor } from '@catalogue/testing';
import { expect, inject, test, vi } from 'vitest';
import { applied, event, message, newIds, openSender, readModel, startWorker } from '../../test/fixture.ts';

const { readDb, kafka } = inject('servers');
const ordered = (id: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => event(id, from + index));

test('an event on the topic is in the read model, with its times', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using _worker = await startWorker(kafka, db.dsn, topic.name);
  await sender.send([event('mouse', 1, { timestamp: '2026-11-23T10:15:30.123456Z' }), event('mouse', 2)]);
  await applied(db, 2);
  expect(
    await db.sql`select id, name, price, version, (created_at at time zone 'UTC')::text as created from products_read`,
  ).toEqual([{ id: 'mouse', name: 'Product mouse', price: '2.00', version: 2, created: '2026-11-23 10:15:30.123456' }]);
});

test('each park, release and rebalance is one log line with its place and reason, and other messages are not logged', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  const log = createLogger('test', 'silent');
  const lines: { level: string; msg: unknown }[] = [];
  for (const level of ['info', 'warn', 'error'] as const) {
    const keep = (fields: object, msg?: string) => lines.push({ level, msg, ...fields });
    vi.spyOn(log, level).mockImplementation(keep as never);
  }
  await using _worker = await startWorker(kafka, db.dsn, topic.name, log);
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  await sender.send([
    ...newIds(200).map((id) => event(id, 1)),
    { ...message('x', '{'), headers: { traceparent: 'x'.repeat(1_000) } },
    event('mouse', 1),
    { ...event('mouse', 3), headers: { traceparent } },
  ]);
  await applied(db, 203);
  await sender.send([event('mouse', 2)]);
  const place = { generation: 1, topic: topic.name, partition: 0 };
  const mouse = { ...place, offset: 202, productId: 'mouse', eventId: 'mouse 3', version: 3, traceparent };
  await waitFor('the lines', () => lines.some(({ msg }) => msg === 'Released'));
  expect(lines.filter(({ msg }) => msg !== 'Following a generation of the read model')).toMatchObject([
    { msg: 'Partitions assigned', topic: topic.name, partitions: [0] },
    { msg: 'Parked', level: 'warn', ...place, offset: 200, reason: 'unreadable', detail: expect.any(String) },
    { msg: 'Parked', level: 'warn', ...mouse, reason: 'gap', detail: expect.any(String) },
    { msg: 'Released', level: 'info', ...mouse },
  ]);
  expect(await db.sql`select traceparent from parked_events`).toEqual([{ traceparent: null }]);
});

test('listeners for changes are notified when new changes can be read', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  const found: Promise<unknown>[] = [];
  await db.sql.listen(changesAppended, (generation) => {
    found.push(db.sql`select product_id as id, version from changes where generation = ${generation} order by seq`);
  });
  await using _worker = await startWorker(kafka, db.dsn, topic.name);
  await sender.send([event('mouse', 1)]);
  await waitFor('a hint', () => found.length > 0);
  expect(await found[0]).toEqual([{ id: 'mouse', version: 1 }]);
});

test('events that are delivered several times are applied once', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using worker = await startWorker(kafka, db.dsn, topic.name);
  const ids = newIds(50);
  // What a relay does that was killed before its cursor moved, twice.
  for (const [from, to] of [
    [1, 10],
    [1, 10],
    [5, 20],
  ] as const)
    await sender.send(ids.flatMap((id) => ordered(id, from, to)));
  await applied(db, 50 * 36);
  expect(await readModel(db)).toEqual(new Map(ids.map((id) => [id, { version: 20, price: '20.00' }])));
  expect(await worker.metric('projection_events_total{type="ProductUpdated",outcome="applied"')).toEqual([
    expect.stringMatching(/ 950$/),
  ]);
});

// A minute of it in CI: FAULTS_FOR=60000.
const lasting = Number(process.env['FAULTS_FOR'] ?? 10_000);

test('three workers that join and leave under load lose nothing and apply nothing twice', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  const ids = newIds(300);
  const over = AbortSignal.timeout(lasting);
  let versions = 0;
  const sending = (async () => {
    for (; !over.aborted; versions++) {
      await sender.send(ids.map((id) => event(id, versions + 1)));
      await delay(200); // what the workers have to have done in the end
    }
  })();
  // Each stays until it has had partitions, then for a time that differs: mostly one or two are there, at times none or all.
  const comeAndGo = async (stay: number) => {
    do {
      await using worker = await startWorker(kafka, db.dsn, topic.name);
      await waitFor('the worker to have partitions', () => worker.partitions().length > 0, { within: 60_000 });
      await delay(stay);
    } while (!over.aborted);
  };
  await Promise.all([...[900, 1400, 2300].map(comeAndGo), sending]);
  await using last = await startWorker(kafka, db.dsn, topic.name);
  await applied(db, ids.length * versions);
  expect(await readModel(db)).toEqual(new Map(ids.map((id) => [id, { version: versions, price: `${versions}.00` }])));
  const told = await db.sql`
    select count(*)::int as changes, count(distinct (product_id, version))::int as different from changes`;
  expect(told).toEqual([{ changes: ids.length * versions, different: ids.length * versions }]);
  expect(await db.sql`select from parked_events`).toHaveLength(0);
  // It may have come when all was applied already, and joins the group still.
  await waitFor('the last to be ready', async () => (await last.health()).code === 200);
}, 180_000);

test('the worker continues from an offset that another owner moved, and does not overwrite it', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using worker = await startWorker(kafka, db.dsn, topic.name);
  const ids = newIds(30);
  await sender.send(ids.flatMap((id) => ordered(id, 1, 5)));
  await applied(db, 150);
  await db.sql`update consumer_offsets set next = 0`;
  await sender.send(ids.map((id) => event(id, 6)));
  await applied(db, 180);
  expect(await readModel(db)).toEqual(new Map(ids.map((id) => [id, { version: 6, price: '6.00' }])));
  expect(await worker.metric('projection_fenced_total')).not.toEqual([expect.stringMatching(/ 0$/)]);
});

test('a message that is not an event is parked and stops no other product', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  await using worker = await startWorker(kafka, db.dsn, topic.name);
  const bad = ['{"id": ', '[]', 'null', '{}', '', Buffer.from([0x22, 0xff, 0x22])].map((value) => message('x', value));
  await sender.send([event('mouse', 1), ...bad, event('mouse', 2, { type: 'ProductTagged' }), event('mouse', 3)]);
  await applied(db, 9);
  expect(await readModel(db)).toEqual(new Map([['mouse', { version: 3, price: '3.00' }]]));
  expect(await db.sql`select "offset", product_id, message from parked_events order by "offset"`).toEqual(
    bad.map(({ value }, index) => ({ offset: index + 1, product_id: 'x', message: value })),
  );
  expect(await worker.metric('projection_events_total{type="none",outcome="parked"')).toEqual([
    expect.stringMatching(/ 6$/),
  ]);
  expect(await worker.metric('projection_events_total{type="other",outcome="applied"')).toEqual([
    expect.stringMatching(/ 1$/),
  ]);
  expect((await worker.health()).code).toBe(200);
});

// Older producers validated nothing. An index holds 2 704 bytes of a name or an id.
test('a message that PostgreSQL cannot store is parked and stops no other product', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  const long = randomBytes(9_000).toString('hex');
  const legacy = (payload: object) => ({ id: 'x', type: 'ProductCreated', payload, timestamp: '2026-11-23T10:00:00Z' });
  await sender.send([
    event('mouse', 1),
    message('name', legacy({ id: 'rat', name: long, price: 1 })),
    event('mouse', 2),
    message('id', legacy({ id: long, name: 'Rat', price: 1 })),
    message(long, 'no event'),
    event(long, 1),
    event('mouse', 3),
  ]);
  await using worker = await startWorker(kafka, db.dsn, topic.name);
  await applied(db, 7);
  expect((await readModel(db)).get('mouse')?.version).toBe(3);
  expect(await db.sql`select left(product_id, 9) as id, reason from parked_events order by "offset"`).toEqual([
    { id: 'name', reason: 'unreadable' },
    { id: 'id', reason: 'unreadable' },
    { id: long.slice(0, 9), reason: 'unreadable' },
    { id: long.slice(0, 9), reason: 'unreadable' },
  ]);
  expect(worker.partitions()).toMatchObject([{ lag: 0, stopped: undefined }]);
});

test.each([
  ['missing events', event('bad', 3), 'gap', /Expected version 2, found event bad 3 .* of product bad at version 3/],
  ['a fork', event('bad', 1, { id: 'other' }), 'fork', /Expected event bad 1, found event other/],
  ['a newer schema', event('bad', 2, { schemaVersion: 9 }), 'newer-schema', /Found event bad 2 .* schema version 9/],
])('%s parks its product with the later events, and no other product', async (_, poison, reason, detail) => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  await using worker = await startWorker(kafka, db.dsn, topic.name);
  await sender.send([event('bad', 1), poison, event('good', 1), event('bad', 4), event('good', 2)]);
  await applied(db, 5);
  expect(await readModel(db)).toEqual(
    new Map([
      ['bad', { version: 1, price: '1.00' }],
      ['good', { version: 2, price: '2.00' }],
    ]),
  );
  expect(await db.sql`select product_id, "offset", reason, detail from parked_events order by version`).toEqual([
    { product_id: 'bad', offset: 1, reason, detail: expect.stringMatching(detail) as string },
    {
      product_id: 'bad',
      offset: 3,
      reason: 'queued',
      detail: expect.stringMatching(/^Waits behind version/) as string,
    },
  ]);
  expect((await worker.health()).code).toBe(200);
});

test('a missing event that arrives late releases the events that waited for it, also after a restart', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  {
    await using _worker = await startWorker(kafka, db.dsn, topic.name);
    await sender.send([event('mouse', 1), event('mouse', 3), event('mouse', 4)]);
    await applied(db, 3);
  }
  await using _worker = await startWorker(kafka, db.dsn, topic.name);
  await sender.send([event('mouse', 2)]);
  await applied(db, 4);
  expect(await readModel(db)).toEqual(new Map([['mouse', { version: 4, price: '4.00' }]]));
  expect(await db.sql`select from parked_events`).toHaveLength(0);
  expect(await db.sql`select version, kind from changes order by seq`).toEqual([
    { version: 1, kind: 'created' },
    { version: 1, kind: 'none' },
    ...[2, 3, 4].map((version) => ({ version, kind: 'updated' })),
  ]);
});

test('a topic in which many products miss events stops the partition instead of parking them all', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  await using worker = await startWorker(kafka, db.dsn, topic.name);
  await sender.send(newIds(60).map((id) => event(id, 2)));
  const projection = async () => (await worker.health()).dependencies['projection'];
  await waitFor('the partition to stop', async () => (await projection())?.status === 'down');
  expect((await projection())?.detail).toMatch(/More than 5 % of the last 1 000 products miss events/);
  const [counted] = await db.sql`select count(*)::int as count from parked_events`;
  expect(counted?.['count']).toBeLessThanOrEqual(50);
});

test('the messages of older producers, spread over the partitions, become one product each', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await using _worker = await startWorker(kafka, db.dsn, topic.name);
  await using _other = await startWorker(kafka, db.dsn, topic.name);
  const lines = readFileSync(new URL('../../../../libs/contracts/samples/legacy.jsonl', import.meta.url), 'utf8')
    .trim()
    .split('\n');
  const messages = lines.map((line) => JSON.parse(line) as { key: string; value: object });
  // The same again, from the end: in another order, and repeated.
  for (const { key, value } of [...messages, ...messages.toReversed()]) await sender.send([message(key, value)]);
  const nul = {
    id: 'e',
    type: 'ProductCreated',
    payload: { id: 'nul\0', name: 'a\0b', price: 1.005 },
    timestamp: '2026-11-23T00:00:00Z',
  };
  await sender.send([message('e', nul)]);
  await applied(db, messages.length * 2 + 1);
  expect(await db.sql`select name, price, version from products_read order by name, price`).toEqual([
    { name: '', price: '-5.00', version: 0 },
    { name: 'a\ufffdb', price: '1.01', version: 0 },
    ...Array.from({ length: 4 }, () => ({ name: 'rinominato', price: '12.34', version: 0 })),
    { name: 'thirds', price: '33.33', version: 0 },
  ]);
});

test('a topic that was deleted and created again stops the worker, which says what to do', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka);
  await using sender = await openSender(kafka, topic);
  await sender.send([event('mouse', 1)]);
  {
    await using _worker = await startWorker(kafka, db.dsn, topic.name);
    await applied(db, 1);
  }
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const admin = openAdmin({ brokers: kafka, clientId: 'test', log: silent });
  await admin.deleteTopic(topic.name);
  await waitFor('the topic to be made again', () => admin.createTopic(topic.name, 6).catch(() => false));
  admin.close();
  await using worker = await startWorker(kafka, db.dsn, topic.name);
  await waitFor(
    'the partitions to stop',
    () => worker.partitions().every(({ stopped }) => stopped) && worker.partitions().length === 6,
  );
  expect(worker.partitions()[0]?.stopped).toMatch(/deleted and made again.*delete from consumer_offsets/);
});

test('a log without the next offset stops the worker, which says what to do', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 1);
  await using sender = await openSender(kafka, topic);
  {
    await using _worker = await startWorker(kafka, db.dsn, topic.name);
    await sender.send([event('mouse', 1)]);
    await applied(db, 1);
  }
  await db.sql`update consumer_offsets set next = 7`;
  await using worker = await startWorker(kafka, db.dsn, topic.name);
  const projection = async () => (await worker.health()).dependencies['projection'];
  await waitFor('it to say so', async () => (await projection())?.status === 'down');
  expect((await projection())?.detail).toMatch(
    /^Offset 7 of .*\[0\] is not in the log, which holds 0 to 0\. Was .*republish\.js --from 0 --topic <other>/,
  );
});

test('a topic with another number of partitions stops the worker, which says what to do', async () => {
  await using db = await createDatabase(readDb, migrateReadModel);
  await using topic = await createTopic(kafka, 2);
  const silent = { debug() {}, info() {}, warn() {}, error() {} };
  const admin = openAdmin({ brokers: kafka, clientId: 'test', log: silent });
  const found = await admin.describeTopic(topic.name);
  admin.close();
  await readOffsets(db.sql, { generation: 1, topic: topic.name, topicId: found?.id ?? '' }, 1);
  await using worker = await startWorker(kafka, db.dsn, topic.name);
  await waitFor('the partitions to stop', () => worker.partitions().filter(({ stopped }) => stopped).length === 2);
  expect(worker.partitions()[0]?.stopped).toMatch(
    /has 2 partitions, offsets are stored for 1.*make another topic.*republish\.js --from 0 --topic/,
  );
  expect((await worker.health()).code).toBe(503);
});
