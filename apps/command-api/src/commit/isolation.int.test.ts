import { randomUUID } from 'node:crypto';
import { load, migrateEventStore } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { afterAll, afterEach, beforeAll, expect, inject, test, vi } from 'vitest';
import {
  creation,
  failure,
  intercepted,
  isAppend,
  isLookUpOfEvents,
  isLookUpOfKeys,
  openProcess,
  type Sent,
  submissionOf,
} from '../../test/fixture.ts';
import type { ProductCommand } from '../product/product.ts';
import { NotDecided, Overloaded, type Submission } from './submission.ts';

let db: TestDatabase;

beforeAll(async () => {
  db = await createDatabase(inject('servers').writeDb, migrateEventStore);
});
afterAll(async () => {
  await db?.[Symbol.asyncDispose]();
});
afterEach(() => void vi.useRealTimers());

const turn = () => new Promise((resolve) => setImmediate(resolve));

/** The statements of a process in order, each with its outcome. */
function observed(sql: Sql, before: (sent: Sent) => Promise<void> = async () => {}) {
  const statements: { sent: Sent; failed: boolean }[] = [];
  const observing = intercepted(sql, async (run, sent) => {
    const statement = { sent, failed: false };
    statements.push(statement);
    await before(sent);
    return await run().catch((error: unknown) => {
      statement.failed = true;
      throw error;
    });
  });
  return { sql: observing, statements, appends: () => statements.filter(({ sent }) => isAppend(sent)) };
}

const storesKeys = ({ sent }: { sent: Sent }) => sent.text.includes('insert into idempotency_keys');
const eventsOf = async (stream: string) => (await load(db.sql, [stream], -1)).get(stream)?.events ?? [];

test('replays of keys that another process stored do not make other commands’ appends fail', async () => {
  const keys = Array.from({ length: 50 }, () => randomUUID());
  const first = openProcess(db.sql);
  const stored = await Promise.all(keys.map((key) => first.submit(creation(key))));
  const { sql, statements, appends } = observed(db.sql);
  const { submit } = openProcess(sql, db.sql);
  const created = keys.map(() => creation());
  const both = await Promise.all(created.flatMap((plain, i) => [submit(creation(keys[i])), submit(plain)]));
  expect(both.filter((_, i) => i % 2 === 0)).toEqual(stored);
  expect(both.filter((_, i) => i % 2 === 1)).toEqual(created.map(({ stream }) => ({ stream, version: 1 })));
  expect(statements.filter(({ failed }) => failed)).toEqual([]);
  // Two batches, each with one statement for all keys and events.
  expect([statements.length, appends().length]).toEqual([2, 2]);
});

test('a key that is taken after its look-up delays only commands with keys', async () => {
  const key = randomUUID();
  const rival = openProcess(db.sql);
  const { stream } = await rival.submit(creation());
  let taken = false;
  const { sql, appends } = observed(db.sql, async (sent) => {
    if (!storesKeys({ sent }) || taken) return;
    taken = true;
    await rival.submit(creation(key));
  });
  const { submit } = openProcess(sql, db.sql);
  const ended: string[] = [];
  const send = async (name: string, submission: Submission<ProductCommand>) => {
    const outcome = await submit(submission);
    ended.push(name);
    return { own: outcome.stream === submission.stream, refused: outcome.refused };
  };
  const others = Array.from({ length: 3 }, () => creation());
  // One half of the commands forms a batch, the other half the next one.
  const outcomes = await Promise.all([
    send('suspect', submissionOf({ type: 'change', id: stream, price: 2 }, key)),
    send('keyed', creation(randomUUID())),
    send('plain', creation()),
    ...others.map((other) => send('other', other)),
  ]);
  const done = { own: true, refused: undefined };
  expect(outcomes).toEqual([{ own: false, refused: 'key-reused' }, done, done, done, done, done]);
  const first = appends().filter(({ sent }) => !JSON.stringify(sent.parameters).includes(others[0]?.stream ?? ''));
  // The append of all commands; then of those without a key, which cannot be the cause; then of those with a key.
  expect(first.map((statement) => [statement.failed, storesKeys(statement)])).toEqual([
    [true, true],
    [false, false],
    [false, true],
  ]);
  // Commands of the next batch may end before or after.
  expect(ended.filter((name) => name !== 'other')[0]).toBe('plain');
});

test('commands that wait for a retry do not hold up new commands', async () => {
  // Opening a connection needs real timers.
  await Promise.all(Array.from({ length: 4 }, () => db.sql`select pg_sleep(0.05)`));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const unlucky = [creation(), creation()];
  const failed = new Set<string>();
  const { sql } = observed(db.sql, async (sent) => {
    const stream = unlucky.find((it) => isAppend(sent) && JSON.stringify(sent.parameters).includes(it.stream))?.stream;
    if (stream === undefined || failed.has(stream)) return;
    failed.add(stream);
    throw failure('40P01');
  });
  const { submit } = openProcess(sql, db.sql);
  // Two batches, as many as may be in flight.
  const waiting = [submit(unlucky[0] ?? creation())];
  await turn();
  waiting.push(submit(unlucky[1] ?? creation()));
  while (failed.size < 2) await turn();
  const meanwhile = creation();
  expect(await submit(meanwhile)).toEqual({ stream: meanwhile.stream, version: 1 });
  await vi.advanceTimersByTimeAsync(100);
  expect(await Promise.all(waiting)).toEqual(unlucky.map(({ stream }) => ({ stream, version: 1 })));
});

test('a request that is sent a hundred times at once with its key is decided and stored once', async () => {
  const { sql, statements } = observed(db.sql);
  const { submit } = openProcess(sql, db.sql);
  const key = randomUUID();
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => submit(creation(key))));
  expect(new Set(outcomes.map((outcome) => JSON.stringify(outcome))).size).toBe(1);
  expect(statements.map(({ sent }) => isAppend(sent))).toEqual([true]);
});

test('the keys of changes are looked up before these are decided, and then the keys of new products in their batch, too', async () => {
  const { stream } = await openProcess(db.sql).submit(creation());
  const [change, create] = [randomUUID(), randomUUID()];
  const send = ({ submit }: ReturnType<typeof openProcess>) =>
    Promise.all([
      submit(submissionOf({ type: 'change', id: stream, price: 2 }, change)),
      submit(creation(create)),
      submit(creation()),
    ]);
  const first = await send(openProcess(db.sql));
  const { sql, statements, appends } = observed(db.sql);
  const [changed, created] = await send(openProcess(sql, db.sql));
  expect([changed, created]).toEqual(first.slice(0, 2));
  expect(statements.filter(({ sent }) => isLookUpOfKeys(sent))).toHaveLength(1);
  expect(appends().filter(storesKeys)).toEqual([]);
});

test('other requests with a key in progress are refused after its outcome, and delay no other command', async () => {
  const { sql, statements } = observed(db.sql);
  const { submit } = openProcess(sql, db.sql);
  const key = randomUUID();
  const [first, ...others] = await Promise.all(Array.from({ length: 100 }, (_, price) => submit(creation(key, price))));
  expect(others).toEqual(others.map(() => ({ ...first, refused: 'key-reused' })));
  expect(statements).toHaveLength(1);
});

test('another request with the key of one that was refused is decided', async () => {
  const { submit } = openProcess(db.sql);
  const key = randomUUID();
  const [refused, done] = await Promise.all([
    submit(submissionOf({ type: 'discontinue', id: randomUUID() }, key)),
    submit(creation(key)),
  ]);
  expect([refused.refused, done.refused]).toEqual(['not-found', undefined]);
});

test.each([
  'CONNECTION_CLOSED',
  'ENETUNREACH',
  'EADDRNOTAVAIL',
  'EPROTO',
  'ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC',
  'CERT_HAS_EXPIRED',
  undefined,
])('an append that was carried out and ended in %s is looked up: its command is answered by it', async (code) => {
  const product = creation();
  let isNext = false;
  let lookUps = 0;
  const losing = intercepted(db.sql, async (run, sent) => {
    if (isLookUpOfEvents(sent)) lookUps += 1;
    const answer = await run();
    if (!isNext || !isAppend(sent)) return answer;
    isNext = false;
    throw failure(code);
  });
  const { submit } = openProcess(losing, db.sql);
  const { stream } = await submit(product);
  isNext = true;
  expect(await submit(submissionOf({ type: 'change', id: stream, price: 2, ifMatch: [1] }))).toEqual({
    stream,
    version: 2,
  });
  isNext = true;
  expect(await submit(submissionOf({ type: 'discontinue', id: stream }))).toEqual({ stream, version: 3 });
  expect(await eventsOf(stream)).toHaveLength(3);
  expect(lookUps).toBe(2);
});

test.each(['ENETUNREACH', 'ERR_TLS_CERT_ALTNAME_INVALID'])(
  'a load that fails with %s is retried when the store is back, without a look-up',
  async (code) => {
    const { stream } = await openProcess(db.sql).submit(creation());
    let isLost = false;
    const { sql, statements } = observed(db.sql, async ({ text }) => {
      if (isLost || !text.includes('from wanted')) return;
      isLost = true;
      throw failure(code);
    });
    const outcome = await openProcess(sql, db.sql).submit(submissionOf({ type: 'discontinue', id: stream }));
    expect(outcome).toEqual({ stream, version: 2 });
    expect(statements.filter(({ sent }) => isLookUpOfEvents(sent))).toEqual([]);
  },
);

test('a command whose event cannot be sent fails with the fault, and no other command fails', async () => {
  const { submit } = openProcess(db.sql);
  const faulty = creation();
  // JSON cannot represent this number.
  const command = { ...faulty.command, price: 1n } as unknown as ProductCommand;
  const others = Array.from({ length: 9 }, () => creation());
  const outcomes = await Promise.allSettled(
    [...others.slice(0, 4), { ...faulty, command }, ...others.slice(4)].map(submit),
  );
  const refused = outcomes.filter(({ status }) => status === 'rejected');
  expect(refused).toMatchObject([{ reason: { name: 'TypeError' } }]);
  expect(outcomes.indexOf(refused[0] as never)).toBe(4);
});

test('a command that is stored after its client got 503 answers the same request sent again', async () => {
  const key = randomUUID();
  const answered = Promise.withResolvers<void>();
  const silent = intercepted(db.sql, async (run, sent) => {
    const answer = await run();
    if (isAppend(sent)) await answered.promise;
    return answer;
  });
  const { submit } = openProcess(silent, db.sql);
  const first = creation(key);
  await expect(submit(first)).rejects.toThrow(NotDecided);
  const again = submit(creation(key));
  answered.resolve();
  expect(await again).toEqual({ stream: first.stream, version: 1 });
  expect(await openProcess(db.sql).submit(creation(key))).toEqual({ stream: first.stream, version: 1 });
});

test('a key of a new product that another process used for another request is refused, and no product is stored', async () => {
  const key = randomUUID();
  const first = await openProcess(db.sql).submit(creation(key));
  const { sql, statements } = observed(db.sql);
  const [other, plain] = [creation(key, 2), creation()];
  const { submit } = openProcess(sql, db.sql);
  expect(await Promise.all([submit(other), submit(plain)])).toEqual([
    { ...first, refused: 'key-reused' },
    { stream: plain.stream, version: 1 },
  ]);
  expect(await eventsOf(other.stream)).toEqual([]);
  expect(statements.filter(({ failed }) => failed)).toEqual([]);
});

test('a command whose client was answered before its append was sent is not stored', async () => {
  const { stream } = await openProcess(db.sql).submit(creation());
  const slow = intercepted(db.sql, async (run, sent) => {
    if (isLookUpOfKeys(sent)) await answered.promise;
    return await run();
  });
  const answered = Promise.withResolvers<void>();
  const late = submissionOf({ type: 'change', id: stream, price: 2 }, randomUUID());
  const { submit } = openProcess(slow, db.sql);
  await expect(submit(late)).rejects.toThrow(NotDecided);
  answered.resolve();
  // The stream is free again when its batch has ended.
  await submit(submissionOf({ type: 'discontinue', id: stream }));
  expect((await eventsOf(stream)).map(({ type }) => type)).toEqual(['ProductCreated', 'ProductDiscontinued']);
});

test('a caller that fills the queue does not make another caller’s command wait behind its own', async () => {
  const many = Array.from({ length: 1_500 }, () => ({ ...creation(), caller: 'many' }));
  const few = { ...creation(), caller: 'few' };
  let late: Promise<unknown> | undefined;
  const { sql, appends } = observed(db.sql, async (sent) => {
    if (isAppend(sent)) late ??= submit(few);
  });
  const { submit } = openProcess(sql, db.sql);
  const ended = await Promise.allSettled(many.map(async (submission) => await submit(submission)));
  const refused = ended.flatMap((end) => (end.status === 'rejected' ? [end.reason as unknown] : []));
  expect(refused).toHaveLength(500);
  for (const reason of refused) expect(reason).toBeInstanceOf(Overloaded);
  expect(await late).toEqual({ stream: few.stream, version: 1 });
  // Two batches were on their way when it came.
  const batch = appends().findIndex(({ sent }) => JSON.stringify(sent.parameters).includes(few.stream));
  expect(batch).toBe(2);
});
