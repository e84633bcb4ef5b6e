import type { Transaction } from '@catalogue/postgres';
import { trackedColumns } from '@catalogue/projection-schema';
import { createDatabase } from '@catalogue/testing';
import {
  bigint,
  boolean,
  customType,
  date,
  doublePrecision,
  integer,
  json,
  jsonb,
  numeric,
  pgTable,
  text,
  timestamp,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core';
import { expect, expectTypeOf, inject, test } from 'vitest';
import type { Written } from './model.ts';
import { type PlainRow, plainRows } from './plain-rows.ts';

const instant = { withTimezone: true, precision: 3 } as const;

const samples = pgTable('samples', {
  ...trackedColumns,
  shortName: varchar('short_name', { length: 8 }),
  label: text(),
  count: integer(),
  big: bigint({ mode: 'number' }),
  huge: bigint({ mode: 'bigint' }),
  exact: numeric({ precision: 40, scale: 2 }),
  ratio: doublePrecision(),
  isSold: boolean('is_sold'),
  soldAt: timestamp('sold_at', instant),
  soldAtText: timestamp('sold_at_text', { withTimezone: true, mode: 'string' }),
  localTime: timestamp('local_time'),
  soldOn: date('sold_on'),
  details: jsonb().$type<unknown>(),
  tags: text().array(),
  grid: integer().array().array(),
  flags: boolean().array(),
  amounts: numeric().array(),
  owner: uuid(),
  state: text().notNull(),
});
type Sample = PlainRow<typeof samples>;

const createSamples = `
  create table samples (
    generation integer not null, id text collate "C" not null, version integer not null default 0, event_id text,
    parked boolean not null default false, short_name varchar(8), label text, count integer, big bigint, huge bigint,
    exact numeric(40, 2), ratio double precision, is_sold boolean, sold_at timestamptz(3), sold_at_text timestamptz, local_time timestamp, sold_on date,
    details jsonb, tags text[], grid integer[], flags boolean[], amounts numeric[], owner uuid, state text not null,
    primary key (generation, id)
  )`;

const initial = {
  shortName: null,
  label: null,
  count: null,
  big: null,
  huge: null,
  exact: null,
  ratio: null,
  isSold: null,
  soldAt: null,
  soldAtText: null,
  localTime: null,
  soldOn: null,
  details: null,
  tags: null,
  grid: null,
  flags: null,
  amounts: null,
  owner: null,
  state: 'new',
};
const unset: Sample = { ...initial, id: 'lamp', version: 1, eventId: 'event 1', parked: false };

const model = plainRows(samples, initial);

/** Runs work on an empty table; what it changed is rolled back. */
async function onSamples(work: (tx: Transaction) => Promise<void>): Promise<void> {
  await using db = await createDatabase(inject('servers').readDb);
  await db.sql.unsafe(createSamples);
  await db.sql.begin(async (tx) => {
    // No time reads as in UTC, and times before 1906 have seconds in their offset.
    await tx`set local timezone = 'Asia/Kolkata'`;
    await work(tx);
  });
}

async function write(tx: Transaction, ...rows: Written<Sample>[]): Promise<void> {
  await Promise.all(model.write(tx, 1, { rows, steps: [] }).sent);
}

const lock = async (tx: Transaction) => await model.lock(tx, 1, ['lamp']);

const texts = ['', 'null', 'NULL', 'a, "b" {c} \\d\n', 'Größe 🎉', "it's $1"];

test.each<[column: string, values: Partial<Sample>[]]>([
  ['text', texts.map((label) => ({ label }))],
  ['varchar', [{ shortName: 'x'.repeat(8) }]],
  ['integer', [-2_147_483_648, 0, 2_147_483_647].map((count) => ({ count }))],
  ['bigint as a number', [-Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER].map((big) => ({ big }))],
  ['bigint', [-(2n ** 63n), 2n ** 53n + 1n, 2n ** 63n - 1n].map((huge) => ({ huge }))],
  ['numeric', ['12345678901234567890123456789012345678.91', '-0.10'].map((exact) => ({ exact }))],
  ['double precision', [0.1 + 0.2, -1e300, Number.NaN, Number.POSITIVE_INFINITY].map((ratio) => ({ ratio }))],
  ['boolean', [true, false].map((isSold) => ({ isSold }))],
  [
    'timestamptz',
    [
      '0001-01-01T00:00:00.000Z',
      '1969-07-20T20:17:40.001Z',
      '2026-11-23T23:59:59.999Z',
      '9999-12-31T23:59:59.999Z',
    ].map((at) => ({ soldAt: new Date(at) })),
  ],
  ['timestamptz as text', [{ soldAtText: '2026-11-23 10:00:00.123456+05:30' }]],
  ['timestamp', [{ localTime: new Date('0001-01-01T00:00:00.001Z') }]],
  ['date', [{ soldOn: '2024-02-29' }]],
  [
    'jsonb',
    [{ '2026-11-23': 1, nested: [null, { a: 'b' }] }, [], {}, '5', 'null', 5, true, texts].map((details) => ({
      details,
    })),
  ],
  ['text[]', [[], texts].map((tags) => ({ tags }))],
  [
    'integer[][]',
    [
      {
        grid: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
  ],
  ['boolean[]', [{ flags: [true, false] }]],
  ['numeric[]', [{ amounts: ['0.10', '12345678901234567890.5'] }]],
  ['uuid', [{ owner: '018f3c1e-7b1a-7cc3-98c4-dc0c0c07398f' }]],
  ['null', [{}]],
  // The types of Drizzle do not say that elements may be null.
  ['null in an array', [{ tags: ['a', null, 'null'] as string[], amounts: [null, '1.5'] as string[] }]],
])('a row comes back as it was written: %s', async (_, values) => {
  await onSamples(async (tx) => {
    for (const value of values) {
      await write(tx, { before: undefined, after: unset });
      expect(await lock(tx)).toEqual([unset]);
      const after = { ...unset, ...value };
      await write(tx, { before: unset, after });
      expect(await lock(tx)).toEqual([after]);
      await write(tx, { before: after, after: unset });
      expect(await lock(tx)).toEqual([unset]);
      await tx`delete from samples`;
      await write(tx, { before: undefined, after });
      expect(await lock(tx)).toEqual([after]);
      await tx`delete from samples`;
    }
  });
});

test('a missing row is inserted with the initial values, and others are left alone', async () => {
  await onSamples(async (tx) => {
    await model.insertMissing(tx, 1, ['lamp']);
    await model.insertMissing(tx, 2, ['lamp']);
    const changed = { ...unset, version: 2, label: 'Lamp' };
    await write(tx, { before: unset, after: changed }, { before: undefined, after: { ...unset, id: 'desk' } });
    await model.insertMissing(tx, 1, ['lamp', 'desk']);
    expect(await model.lock(tx, 1, ['lamp', 'chair', 'desk'])).toEqual([{ ...unset, id: 'desk' }, changed]);
    expect(await model.lock(tx, 2, ['lamp'])).toEqual([model.empty('lamp')]);
    expect(model.empty('lamp')).toEqual({ ...unset, version: 0, eventId: null });
  });
});

test('a text that is too long for its column is refused, not cut', async () => {
  const after = { ...unset, shortName: 'x'.repeat(9) };
  const written = onSamples((tx) => write(tx, { before: undefined, after }));
  await expect(written).rejects.toThrow('value too long for type character varying(8)');
});

test('a row without a value for a column is refused with the name of the column', () => {
  const { label: _, ...incomplete } = unset;
  return onSamples(async (tx) => {
    const written = write(tx, { before: unset, after: incomplete as Sample });
    await expect(written).rejects.toThrow('The value of label is missing');
  });
});

test.each([
  ['bytea', customType<{ data: Buffer }>({ dataType: () => 'bytea' })('image')],
  ['json', json('image')],
  ['timestamp[]', timestamp('image').array()],
])('a column of the type %s is refused when the model is made', (type, image) => {
  const table = pgTable('images', { ...trackedColumns, image });
  expect(() => plainRows(table, { image: null })).toThrow(
    `plainRows cannot store image: ${type} cannot be read back unchanged`,
  );
});

test('a rebuild compares every column but the event and whether events are parked', () => {
  const table = pgTable('counts', { ...trackedColumns, changedOn: date('changed_on') });
  const { tables, compared } = plainRows(table, { changedOn: null });
  expect(tables).toEqual([{ name: 'counts' }]);
  expect(compared).toEqual(['"id"', '"version"', '"changed_on"']);
});

test('the types of a row are those of its columns', () => {
  const table = pgTable('counts', { ...trackedColumns, soldAt: timestamp('sold_at', instant).notNull() });
  expectTypeOf<PlainRow<typeof table>['soldAt']>().toEqualTypeOf<Date>();
  expectTypeOf<PlainRow<typeof table>['eventId']>().toEqualTypeOf<string | null>();
  expectTypeOf<PlainRow<typeof table>>().not.toHaveProperty('generation');
  // @ts-expect-error -- a table without the tracked columns
  expect(() => plainRows(pgTable('others', { id: text() }), {})).not.toThrow();
  // @ts-expect-error -- no value for a column
  expect(() => plainRows(table, {})).not.toThrow();
});
