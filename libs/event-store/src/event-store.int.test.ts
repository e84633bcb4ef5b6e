import { randomUUID } from 'node:crypto';
import { createDatabase } from '@catalogue/testing';
import fc from 'fast-check';
import { describe, expect, inject, test } from 'vitest';
import {
  append,
  load,
  loadCursor,
  migrateEventStore,
  moveCursor,
  type NewEvent,
  readAhead,
  readBackward,
  readForward,
  start,
} from './index.ts';

const freshStore = () => createDatabase(inject('servers').writeDb, migrateEventStore);

const event = (payload: object = {}): NewEvent => ({
  id: randomUUID(),
  type: 'Tested',
  schemaVersion: 1,
  payload,
  metadata: { by: 'test' },
});

describe('append', () => {
  test('loads events unchanged, in the order of their versions', async () => {
    await using db = await freshStore();
    const stream = randomUUID();
    const events = [event({ name: 'a', price: 39.9, quote: `"'\\` }), event({ nested: { list: [1, null] } })];
    expect(await append(db.sql, [{ stream, expectedVersion: 0, events }])).toEqual(new Set([stream]));
    const stored = events.map((appended, index) => ({
      ...appended,
      stream,
      version: index + 1,
      recordedAt: expect.any(Date) as Date,
    }));
    const changes = stored.map(({ stream: of, version, id, type, schemaVersion, payload }) => {
      return { stream: of, version, id, type, schemaVersion, payload };
    });
    expect((await load(db.sql, [stream, randomUUID()], 1)).get(stream)?.events).toEqual(changes);
    expect(await readBackward(db.sql, stream, 3, 10)).toEqual(stored.toReversed());
  });

  test('keeps every character of a text, for one event per stream and for several', async () => {
    await using db = await freshStore();
    const text = fc.string({ unit: 'grapheme' }).map((any) => any.replaceAll('\u0000', '')); // jsonb cannot hold NUL
    const events = fc.array(
      fc.tuple(text, text).map(([key, value]) => event({ [key]: value })),
      { minLength: 1, maxLength: 3 },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(events, { minLength: 1, maxLength: 4 }), async (lists) => {
        const appends = lists.map((list) => ({ stream: randomUUID(), expectedVersion: 0, events: list }));
        await append(db.sql, appends);
        const streams = appends.map(({ stream }) => stream);
        const found = await load(db.sql, streams, 1);
        expect(streams.map((stream) => found.get(stream)?.events.map(({ payload }) => payload))).toEqual(
          lists.map((list) => list.map(({ payload }) => payload)),
        );
      }),
    );
  });

  test('stores all events of one of two appends at the same version, and no event of the other', async () => {
    await using db = await freshStore();
    const [stream, other] = [randomUUID(), randomUUID()];
    await append(db.sql, [{ stream, expectedVersion: 0, events: [event()] }]);
    const late = { stream, expectedVersion: 0, events: [event(), event()] };
    const won = await append(db.sql, [late, { stream: other, expectedVersion: 0, events: [event()] }]);
    expect(won).toEqual(new Set([other]));
    expect((await load(db.sql, [stream], 1)).get(stream)?.events).toHaveLength(1);
  });

  test('does nothing without events', async () => {
    await using db = await freshStore();
    expect(await append(db.sql, [])).toEqual(new Set());
  });
});

describe('the cursor of a reader', () => {
  test('begins at the start of the log and moves forward only', async () => {
    await using db = await freshStore();
    expect(await loadCursor(db.sql, 'relay')).toEqual(start);
    await moveCursor(db.sql, 'relay', { transactionId: 10, position: 7 });
    await moveCursor(db.sql, 'relay', { transactionId: 9, position: 8 });
    await moveCursor(db.sql, 'relay', { transactionId: 10, position: 6 });
    expect(await loadCursor(db.sql, 'relay')).toEqual({ transactionId: 10, position: 7 });
  });

  test('reads the whole log page by page, each event once', async () => {
    await using db = await freshStore();
    const streams = Array.from({ length: 25 }, () => randomUUID());
    for (const stream of streams) await append(db.sql, [{ stream, expectedVersion: 0, events: [event(), event()] }]);
    const read = [];
    for (let cursor = start; ; ) {
      const page = await readForward(db.sql, cursor, 7);
      if (page.length === 0) break;
      read.push(...page);
      cursor = page.at(-1) ?? cursor;
    }
    expect(read.map(({ stream, version }) => `${stream} ${version}`)).toEqual(
      streams.flatMap((stream) => [`${stream} 1`, `${stream} 2`]),
    );
  });

  test('reads ahead batch by batch, including events appended meanwhile, up to its bound', async () => {
    await using db = await freshStore();
    const appendTen = async () => {
      for (let i = 0; i < 10; i++) {
        await append(db.sql, [{ stream: randomUUID(), expectedVersion: 0, events: [event()] }]);
      }
    };
    await appendTen();
    const sizes: number[] = [];
    for await (const events of readAhead(db.sql, start, 4)) {
      sizes.push(events.length);
      if (sizes.length === 3) await appendTen();
    }
    expect(sizes).toEqual([4, 4, 2, 4, 4, 2]);

    const bound = (await readForward(db.sql, start, 7)).at(-1);
    const positions: number[] = [];
    for await (const events of readAhead(db.sql, start, 4, bound)) positions.push(...events.map((it) => it.position));
    expect(positions).toEqual([1, 2, 3, 4, 5, 6, 7]);
  });

  test('uses its index, without sorting the log', async () => {
    await using db = await freshStore();
    await db.sql`insert into events (stream, version, id, type, schema_version, payload, metadata, recorded_at)
      select gen_random_uuid(), 1, gen_random_uuid(), 'Tested', 1, '{}', '{}', now() from generate_series(1, 20000)`;
    await db.sql`vacuum analyze events`;
    const plan = await db.sql`explain select * from events
      where (transaction_id, position) > ('0'::xid8, 0) and transaction_id < pg_snapshot_xmin(pg_current_snapshot())
      order by events.transaction_id, events.position limit 500`;
    const text = plan.map((row) => String(row['QUERY PLAN'])).join('\n');
    expect(text).toContain('events_in_reading_order');
    expect(text).not.toContain('Sort');
  });
});
