import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { load, migrateEventStore, type StoredChange } from '@catalogue/event-store';
import { connect, type Sql } from '@catalogue/postgres';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { failure, fingerprintOf, intercepted, isAppend, openProcess } from '../../test/fixture.ts';
import { productEventForm } from '../product/event-form.ts';
import { type Product, type ProductCommand, products, type Refusal } from '../product/product.ts';
import { NotDecided, type Outcome, type Submission } from './submission.ts';

let db: TestDatabase;

beforeAll(async () => {
  db = await createDatabase(inject('servers').writeDb, migrateEventStore);
});
afterAll(async () => {
  await db?.[Symbol.asyncDispose]();
});

const open = (sql: Sql) => openProcess(sql, db.sql);

type Fault = 'none' | 'deadlock' | 'lost before' | 'lost after' | 'done later';

// The errors of failed connections.
const codesOfLostConnections = ['CONNECTION_CLOSED', 'ENETUNREACH', 'EPROTO', 'ERR_SSL_BAD_RECORD_TYPE', '57P01'];

/**
 * A database with faults: statements fail with a deadlock, the connection is lost before or after them, or the
 * connection is closed and the statements run later (a server that was frozen has received them).
 */
function unreliable(sql: Sql, nextFault: () => Fault, late: Promise<unknown>[] = []): Sql {
  return intercepted(sql, (run) => {
    const fault = nextFault();
    if (fault === 'none') return run();
    if (fault === 'deadlock') return Promise.reject(failure('40P01'));
    const lost = failure(codesOfLostConnections[randomInt(codesOfLostConnections.length)]);
    if (fault === 'lost after') return run().then(() => Promise.reject(lost));
    if (fault === 'done later')
      late.push(
        delay(randomInt(6))
          .then(run)
          .catch(() => {}),
      );
    return Promise.reject(lost);
  });
}

interface Told {
  submission: Submission<ProductCommand>;
  /** Undefined if the outcome is unknown. */
  outcome: Outcome<Refusal> | undefined;
}

/** Submits a command. The only accepted failure is `NotDecided`. */
async function ask(
  submit: (s: Submission<ProductCommand>) => Promise<Outcome<Refusal>>,
  submission: Submission<ProductCommand>,
): Promise<Told> {
  const outcome = await submit(submission).catch((error: unknown) => {
    if (error instanceof NotDecided) return undefined;
    throw error;
  });
  return { submission, outcome };
}

/**
 * Compares every answer with a simple model at the answer's version, and the log with the answers: each event follows from the
 * event before it, and belongs to a command whose answer says so, or whose outcome is unknown.
 */
async function expectModelToAgree(streams: readonly string[], told: readonly Told[]): Promise<void> {
  for (const stream of streams) {
    // Without snapshots: this is the fold of the events.
    const events = (await load(db.sql, [stream], -1)).get(stream)?.events ?? [];
    expect(events.map(({ version }) => version)).toEqual(events.map((_, index) => index + 1));
    const states = statesAfterEach(events);
    const own = told.filter(({ submission }) => submission.stream === stream);
    for (const { submission, outcome } of own) {
      if (outcome !== undefined) expectAnswer(submission, outcome, events, states);
    }
    const ids = own.map(({ submission }) => submission.eventId);
    for (const { id } of events) expect(ids).toContain(id);
    expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
  }
}

function statesAfterEach(events: readonly StoredChange[]): Product[] {
  const states: Product[] = [products.initial];
  for (const event of events) {
    states.push(products.evolve(states.at(-1) ?? products.initial, productEventForm.changeOf(event)));
  }
  return states;
}

function expectAnswer(
  { command, eventId, key }: Submission<ProductCommand>,
  { version, refused }: Outcome<Refusal>,
  events: readonly StoredChange[],
  states: readonly Product[],
): void {
  const event = events.find(({ id }) => id === eventId);
  if (event === undefined) {
    const again = products.decide(command, states[version] ?? products.initial);
    // The second command of a key had no effect. Its answer is the first command's, which is compared separately.
    if (key === undefined) expect(again).toEqual(refused === undefined ? { events: [] } : { refused });
    return;
  }
  expect({ version: event.version, refused }).toEqual({ version, refused: undefined });
  const decided = products.decide(command, states[version - 1] ?? products.initial);
  expect(decided).toEqual({ events: [{ type: event.type, payload: event.payload }] });
}

const product = fc.nat(2);
const anyChange = fc.oneof(
  {
    weight: 10,
    arbitrary: fc
      .record({ name: fc.constantFrom('a', 'b'), price: fc.nat(3) }, { requiredKeys: [] })
      .map((to) => ({ type: 'change' as const, ...to })),
  },
  {
    weight: 5,
    arbitrary: fc
      .record({ price: fc.nat(3), ifMatch: fc.array(fc.nat(6), { maxLength: 3 }) })
      .map((to) => ({ type: 'change' as const, ...to })),
  },
  { weight: 1, arbitrary: fc.constant({ type: 'discontinue' as const }) },
);
const step = fc.record({
  product,
  change: anyChange,
  /** The process that gets the command. */
  process: fc.nat(1),
  /** One of a few keys, so that some commands share one. */
  key: fc.option(fc.constantFrom('k1', 'k2', 'k3'), { freq: 3 }),
  /** Milliseconds before the next command. */
  pause: fc.constantFrom(0, 0, 0, 1, 3),
});
const faults = fc.array(
  fc.constantFrom<Fault>('none', 'none', 'none', 'none', 'deadlock', 'lost before', 'lost after', 'done later'),
  {
    minLength: 1,
    maxLength: 20,
  },
);

test('every answer equals a simple model’s, under races of two processes, repeated keys, deadlocks, lost connections and late commits', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), faults, async (steps, planned) => {
      const run = randomUUID();
      const streams = [randomUUID(), randomUUID(), randomUUID()];
      let call = 0;
      const late: Promise<unknown>[] = [];
      const nextFault = () => planned[call++ % planned.length] ?? 'none';
      const processes = [open(db.sql), open(unreliable(db.sql, nextFault, late))];
      const told: Told[] = [];
      const submission = (stream: string, command: ProductCommand, key: string | null): Submission<ProductCommand> => ({
        stream,
        command,
        eventId: randomUUID(),
        metadata: {},
        ...(key === null ? {} : { key: { subject: run, key, fingerprint: fingerprintOf(command) } }),
      });
      for (const id of streams) {
        const create = submission(id, { type: 'create', id, name: 'a', price: 0 }, null);
        told.push(await ask((s) => open(db.sql).submit(s), { ...create, isNew: true }));
      }
      const asked: Promise<Told>[] = [];
      for (const { product: index, change: command, process, key, pause } of steps) {
        const id = streams[index] ?? '';
        const { submit } = processes[process] ?? open(db.sql);
        asked.push(ask(submit, submission(id, { ...command, id }, key)));
        if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
      }
      told.push(...(await Promise.all(asked)));
      await Promise.all(late);
      await expectModelToAgree(streams, told);
      expectOneAnswerAKey(told);
    }),
    { numRuns: 60 },
  );
}, 120_000);

/** Checks that all successes of a key are the same answer to the same request. */
function expectOneAnswerAKey(told: readonly Told[]): void {
  const keyed = told.filter(({ submission: { key }, outcome }) => key !== undefined && outcome !== undefined);
  for (const same of Map.groupBy(keyed, ({ submission: { key } }) => key?.key).values()) {
    const done = same.filter(({ outcome }) => outcome?.refused === undefined);
    expect(new Set(done.map(({ outcome }) => JSON.stringify(outcome))).size).toBeLessThanOrEqual(1);
    expect(new Set(done.map(({ submission: { key } }) => key?.fingerprint)).size).toBeLessThanOrEqual(1);
  }
}

test('after a connection was lost during the append, the stored event answers the command, which is not decided again', async () => {
  const id = randomUUID();
  // Each command sends a load and an append; a creation loads nothing. Every append loses its connection once.
  const planned: Fault[] = ['lost after'];
  const { submit } = open(unreliable(db.sql, () => planned.shift() ?? 'none'));
  const send = (command: ProductCommand, isNew = false) =>
    submit({ stream: id, command, eventId: randomUUID(), metadata: {}, isNew });
  expect(await send({ type: 'create', id, name: 'a', price: 1 }, true)).toEqual({ stream: id, version: 1 });
  planned.push('none', 'lost after');
  expect(await send({ type: 'change', id, price: 2, ifMatch: [1] })).toEqual({ stream: id, version: 2 });
  planned.push('none', 'lost after');
  expect(await send({ type: 'discontinue', id })).toEqual({ stream: id, version: 3 });
  expect((await load(db.sql, [id], -1)).get(id)?.events).toHaveLength(3);
});

test('an append that commits while its outcome is looked up answers the command', async () => {
  const id = randomUUID();
  const send = (sql: Sql, command: ProductCommand) =>
    open(sql).submit({ stream: id, command, eventId: randomUUID(), metadata: {} });
  await send(db.sql, { type: 'create', id, name: 'a', price: 1 });
  let late: (() => Promise<unknown>) | undefined;
  const frozen = intercepted(db.sql, async (run, sent) => {
    if (isAppend(sent) && late === undefined) {
      late = run;
      throw failure('ETIMEDOUT');
    }
    if (late !== undefined && sent.text.includes('from wanted')) {
      // The look-ups beside the load are answered before it.
      await delay(50);
      await late();
    }
    return await run();
  });
  expect(await send(frozen, { type: 'discontinue', id })).toEqual({ stream: id, version: 2 });
});

test('the same key at two processes at once has one effect and one answer', async () => {
  const other = connect(db.dsn, { name: 'other' });
  const processes = [open(db.sql), open(other)];
  for (let round = 0; round < 30; round++) {
    const answers = await Promise.all(
      processes.flatMap(({ submit }) =>
        [1, 2].map(() => {
          const id = randomUUID();
          const command: ProductCommand = { type: 'create', id, name: 'a', price: 1 };
          const key = { subject: '', key: `create ${round}`, fingerprint: fingerprintOf({ ...command, id: '' }) };
          return submit({ stream: id, command, eventId: randomUUID(), metadata: {}, isNew: true, key });
        }),
      ),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  }
  const [row] = await db.sql`select count(*)::int as count from idempotency_keys where key like 'create %'`;
  expect(row).toEqual({ count: 30 });
  await other.end();
});

test('a key creates one product and has one answer, under races of two processes, deadlocks, lost connections and late commits', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({ process: fc.nat(1), key: fc.constantFrom('k1', 'k2', 'k3'), price: fc.nat(1), pause: fc.nat(2) }),
        {
          minLength: 1,
          maxLength: 30,
        },
      ),
      faults,
      async (steps, planned) => {
        const run = randomUUID();
        let call = 0;
        const late: Promise<unknown>[] = [];
        const nextFault = () => planned[call++ % planned.length] ?? 'none';
        const processes = [open(db.sql), open(unreliable(db.sql, nextFault, late))];
        const asked: Promise<Told>[] = [];
        for (const { process, key, price, pause } of steps) {
          const command: ProductCommand = { type: 'create', id: randomUUID(), name: 'a', price };
          const submission = {
            stream: command.id,
            command,
            eventId: randomUUID(),
            metadata: { run },
            isNew: true,
            key: { subject: run, key, fingerprint: fingerprintOf({ ...command, id: '' }) },
          };
          const { submit } = processes[process] ?? open(db.sql);
          asked.push(ask(submit, submission));
          if (pause > 0) await delay(pause);
        }
        const told = await Promise.all(asked);
        await Promise.all(late);
        expectOneAnswerAKey(told);
        const stored = await db.sql`select stream from events where metadata ->> 'run' = ${run}`;
        const keys = await db.sql`select stream from idempotency_keys where subject = ${run}`;
        const streamsOf = (rows: Iterable<Record<string, unknown>>) =>
          new Set(Array.from(rows, ({ stream }) => String(stream)));
        expect([stored.length, streamsOf(stored)]).toEqual([keys.length, streamsOf(keys)]);
        const answered = new Set(told.flatMap(({ outcome }) => outcome?.stream ?? []));
        expect(answered.difference(streamsOf(keys))).toEqual(new Set());
      },
    ),
    { numRuns: 60 },
  );
}, 120_000);

test('the answer of a command that changed nothing is stored, too', async () => {
  const { submit } = open(db.sql);
  const id = randomUUID();
  const send = (command: ProductCommand, key?: string) =>
    submit({
      stream: id,
      command,
      eventId: randomUUID(),
      metadata: {},
      ...(key === undefined ? {} : { key: { subject: 's', key, fingerprint: fingerprintOf(command) } }),
    });
  await send({ type: 'create', id, name: 'a', price: 1 });
  const noop: ProductCommand = { type: 'change', id, price: 1 };
  expect(await send(noop, 'noop')).toEqual({ stream: id, version: 1 });
  await send({ type: 'change', id, price: 2 });
  expect(await send(noop, 'noop')).toEqual({ stream: id, version: 1 });
  expect(await send({ type: 'change', id, price: 3 }, 'noop')).toMatchObject({ refused: 'key-reused' });
});

test('a refusal is not stored: a retry decides again', async () => {
  const { submit } = open(db.sql);
  const id = randomUUID();
  const change: ProductCommand = { type: 'change', id, price: 2 };
  const key = { subject: 's', key: 'refused', fingerprint: fingerprintOf(change) };
  const send = (command: ProductCommand, keyed: boolean) =>
    submit({ stream: id, command, eventId: randomUUID(), metadata: {}, ...(keyed ? { key } : {}) });
  expect(await send(change, true)).toMatchObject({ refused: 'not-found' });
  await send({ type: 'create', id, name: 'a', price: 1 }, false);
  expect(await send(change, true)).toEqual({ stream: id, version: 2 });
});

test('after a thousand changes, the snapshot equals the state of the events, and only the newest events are read', async () => {
  const { submit, snapshots } = open(db.sql);
  const id = randomUUID();
  const send = (command: ProductCommand) => submit({ stream: id, command, eventId: randomUUID(), metadata: {} });
  await send({ type: 'create', id, name: 'a', price: 0 });
  for (let price = 1; price <= 1000; price += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, i) => send({ type: 'change', id, price: price + i })));
  }
  await snapshots.idle();
  const whole = (await load(db.sql, [id], -1)).get(id);
  const quick = (await load(db.sql, [id], products.snapshotSchema)).get(id);
  expect(whole?.events).toHaveLength(1001);
  expect(quick?.events.length).toBeLessThan(60);
  const folded = statesAfterEach(whole?.events ?? []);
  const from = quick?.snapshot as Product;
  expect(from).toEqual(folded[from.version]);
  const rest = (quick?.events ?? []).map((event) => productEventForm.changeOf(event));
  expect(rest.reduce<Product>(products.evolve, from)).toEqual(folded.at(-1));
});

test('a snapshot that does not match the events, or has another schema, is ignored', async () => {
  const { submit } = open(db.sql);
  const id = randomUUID();
  const send = (command: ProductCommand) => submit({ stream: id, command, eventId: randomUUID(), metadata: {} });
  await send({ type: 'create', id, name: 'a', price: 1 });
  const lie = { status: 'listed', version: 7, name: 'lie', price: 9 };
  for (const [version, schema] of [
    [7, products.snapshotSchema],
    [1, products.snapshotSchema],
    [1, 99],
  ] as const) {
    await db.sql`insert into snapshots (stream, version, event_id, schema_version, state)
      values (${id}, ${version}, ${randomUUID()}, ${schema}, ${db.sql.json(lie)})
      on conflict (stream) do update set version = excluded.version, schema_version = excluded.schema_version`;
    expect((await load(db.sql, [id], products.snapshotSchema)).get(id)).toMatchObject({
      snapshot: undefined,
      events: [{ version: 1 }],
    });
  }
});
