import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, type TestDatabase, waitFor } from '@catalogue/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openStream } from '../../test/event-source.ts';
import { project, startQueryApi } from '../../test/fixture.ts';

interface Logged {
  seq: number;
  mark: number;
  id: string;
  kind: string;
  price: number;
  before: number | null;
}

/** The changes that are pruned. */
const pruned = 10;
const ids = ['mouse', 'a,b', '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29', 'ключ', 'lamp'];
let db: TestDatabase;
let api: Awaited<ReturnType<typeof startQueryApi>>;
let log: Logged[];

beforeAll(async () => {
  db = await createDatabase(inject('servers').readDb, migrateReadModel);
  for (let version = 1; version <= 10; version++)
    await project(
      db.sql,
      ids.map((id, i) => ({
        id,
        version,
        price: (version * 7 + i * 13) % 20,
        ...(version === 10 && i === 0 ? { kind: 'discontinued' as const } : {}),
      })),
    );
  await db.sql`delete from changes where seq <= ${pruned}`;
  log = await db.sql<Logged[]>`
    select seq, mark, product_id as id, kind, price::float8 as price, price_before::float8 as before from changes order by seq`;
  api = await startQueryApi(db.dsn);
  await api.ready();
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await db?.[Symbol.asyncDispose]();
});

type Parameters = Record<string, string>;

const price = fc.oneof(
  fc.integer({ min: 0, max: 22 }).map(String),
  fc.constantFrom(
    '',
    '-1',
    '1e99',
    '1e1',
    '0x10',
    ' 1',
    '1,5',
    'NaN',
    'Infinity',
    '1000000000',
    '999999999.99',
    "1' or '1'='1",
  ),
);
const listOfIds = fc.oneof(
  fc.subarray(ids, { minLength: 1 }).map((some) => some.join(',')),
  fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 4 }).map((some) => some.join(',')),
  fc.constantFrom(
    '',
    ',',
    ' mouse , lamp ',
    'MOUSE',
    ids[2]?.toUpperCase() ?? '',
    Array(100).fill('mouse').join(','),
    Array(101).fill('mouse').join(','),
  ),
);
const parameters: fc.Arbitrary<Parameters> = fc.record(
  { ids: listOfIds, minPrice: price, maxPrice: price },
  { requiredKeys: [] },
);
const strange: fc.Arbitrary<Parameters> = fc.constantFrom(
  { colour: 'red' },
  { __proto: '1' },
  { limit: '1' },
  { after: 'abc' },
  { after: '' },
);
const position = fc.oneof(
  fc.integer({ min: 0, max: 52 }).map((seq) => `1-${seq}`),
  // As the stream issued it. Made once the log exists.
  fc.integer({ min: pruned, max: 50 }).map((seq) => () => `1-${seq}-${markOf(seq) ?? 'pruned'}`),
  fc.constantFrom(
    '0-0',
    '2-20',
    '1-999999999999999',
    '1-9999999999999999',
    '01-20',
    '1-020',
    '-1-20',
    '1-20-1',
    '1',
    '-',
    '1-',
    "1-20'--",
    '999999999-1',
    '9999999999-1',
    '1-20-0',
    '1-20-00',
    '1-20-zzzzzzzzzzz',
    '1-20-zzzzzzzzzzzz',
    '1-20-',
    '1-20-A',
  ),
  fc.string({
    unit: fc
      .integer({ min: 0x20, max: 0xff })
      .filter((code) => code !== 0x7f)
      .map((code) => String.fromCharCode(code)),
    maxLength: 40,
  }),
);

/** A change’s mark in the form of ids; undefined for a pruned change. */
function markOf(seq: number): string | undefined {
  return log.find((change) => change.seq === seq)?.mark.toString(36);
}

/** A price in a query string; undefined if it is invalid. */
function priceOf(text: string): number | undefined {
  return /^\d+(\.\d+)?(e\d+)?$/.test(text) && Number(text) <= 999_999_999.99 ? Number(text) : undefined;
}

function isValid({ ids: wanted, minPrice, maxPrice, ...others }: Parameters): boolean {
  if (Object.keys(others).length > 0) return false;
  const parts = wanted?.split(',').map((id) => id.trim());
  if (parts !== undefined && (parts.length > 100 || parts.includes(''))) return false;
  const [lowest, highest] = [minPrice, maxPrice].map((text) => (text === undefined ? undefined : priceOf(text)));
  if ((minPrice !== undefined && lowest === undefined) || (maxPrice !== undefined && highest === undefined))
    return false;
  return lowest === undefined || highest === undefined || lowest <= highest;
}

/** The changes that a client has to receive, or a reset. */
function expected(
  { ids: wanted, minPrice, maxPrice }: Parameters,
  lastEventId: string | undefined,
): (number | 'reset')[] {
  if (lastEventId === undefined) return [];
  const [, generation, seq, mark] = /^(\d{1,9})-(\d{1,15})(?:-([0-9a-z]{1,11}))?$/.exec(lastEventId.trim()) ?? [];
  if (Number(generation) !== 1 || Number(seq) < pruned || Number(seq) > 50) return ['reset'];
  if (mark !== undefined && mark !== markOf(Number(seq))) return ['reset'];
  const isWanted = (id: string) =>
    wanted === undefined || wanted.split(',').some((one) => [one.trim(), one.trim().toLowerCase()].includes(id));
  const isIn = (value: number | null) =>
    value !== null && value >= Number(minPrice ?? 0) && value <= Number(maxPrice ?? Infinity);
  return log
    .filter((change) => change.seq > Number(seq) && isWanted(change.id) && (isIn(change.price) || isIn(change.before)))
    .map((change) => change.seq);
}

/** All events of a stream up to the end of the log: nothing follows once its heartbeat names that position. */
async function toldBy(stream: Awaited<ReturnType<typeof openStream>>): Promise<(number | 'reset')[]> {
  await waitFor('the end of the log', () => {
    api.streams.beat();
    return /^1-50(-|$)/.test(stream.lastId());
  });
  return stream.events().map(({ id, event }) => (event === 'reset' ? 'reset' : Number(id?.split('-')[1])));
}

test('any request for a stream is refused with pointers, or gets the requested changes once and in order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof({ weight: 9, arbitrary: parameters }, { weight: 1, arbitrary: strange }),
      fc.option(position, { nil: undefined }),
      async (query, given) => {
        const lastEventId = typeof given === 'function' ? given() : given;
        const url = `${api.url}/products/stream?${new URLSearchParams(query).toString()}`;
        using stream = await openStream(url, lastEventId === undefined ? {} : { 'last-event-id': lastEventId });
        const refused = [400, 'application/problem+json'];
        expect([stream.status, stream.headers['content-type']]).toEqual(
          isValid(query) ? [200, 'text/event-stream'] : refused,
        );
        expect(stream.status === 200 ? await toldBy(stream) : []).toEqual(
          isValid(query) ? expected(query, lastEventId) : [],
        );
      },
    ),
    { numRuns: 200 },
  );
  await expect.poll(() => api.metric('stream_clients')).toBe(0);
});
