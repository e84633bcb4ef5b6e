import type { Sql } from '@catalogue/postgres';
import { migrateReadModel } from '@catalogue/read-schema';
import { QueryQueue } from '@catalogue/reading';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openPools } from '../pools.ts';
import type { Filter, PagePosition } from './filter.ts';
import { ListReader } from './list-reader.ts';
import { decodeCursor, encodeCursor } from './page-cursor.ts';
import { sortNames } from './sort.ts';

let db: TestDatabase;
let pools: ReturnType<typeof openPools>;
let lists: ListReader;

beforeAll(async () => {
  db = await createDatabase(inject('servers').readDb, migrateReadModel);
  pools = openPools(db.dsn);
  lists = new ListReader(pools.listing, new QueryQueue({ maxRunning: 1, maxWaiting: 1, maxWaitMs: 10_000 }));
});
afterAll(async () => {
  await Promise.all([pools?.readModel.end(), pools?.listing.end()]);
  await db?.[Symbol.asyncDispose]();
});

interface Made {
  id: string;
  name: string;
  price: number;
}

const stays = new AbortController().signal;

/** Walks all pages of a search; calls `between` after each. */
async function walk(
  filter: Filter,
  limit: number,
  between: () => Promise<unknown> = async () => {},
): Promise<string[]> {
  const ids: string[] = [];
  for (let after: PagePosition | undefined, page = 0; page === 0 || after !== undefined; page++) {
    const { rows, next } = await lists.page({ filter, limit, after }, stays, undefined);
    ids.push(...rows.map(({ id }) => id));
    // As a client sends it back.
    after = next === undefined ? undefined : decodeCursor(encodeCursor({ filter, after: next }))?.after;
    expect(after === undefined).toBe(next === undefined);
    if (next !== undefined) await between();
  }
  return ids;
}

async function write(sql: Sql, made: readonly Made[]): Promise<void> {
  const column = <K extends keyof Made>(name: K) => made.map((product) => product[name]);
  await sql`
    insert into products (generation, id, name, price, version, created_at, updated_at)
    select 1, id, name, price::numeric, 1, now(), now()
    from unnest(${column('id')}::text[], ${column('name')}::text[], ${column('price').map(String)}::text[]) made (id, name, price)
    on conflict (generation, id) do update set name = excluded.name, price = excluded.price, updated_at = clock_timestamp()`;
  await sql`
    insert into words select distinct word
    from unnest(${column('name')}::text[]) name, regexp_split_to_table(btrim(fold_name(name)), ' ') word
    where word ~ '^[^0-9]{3,40}$' on conflict do nothing`;
}

// All names contain "mouse". Many are equal, so that ids break ties, and they begin in many ways.
const name = fc
  .tuple(
    fc.constantFrom('', 'Mouse ', 'Big ', 'A ', 'zebra ', '¡'),
    fc.constantFrom('mouse', 'Mousepad', 'MOUSE!', 'Dormouse'),
    fc.nat(40),
  )
  .map(([first, word, n]) => `${first}${word} ${n < 30 ? '' : n}`.trim());
const price = fc.nat(20);
const otherName = fc.oneof(name, fc.constantFrom('Lamp', 'Moose', 'Mouze mousse!', '! mouse'));

/** Changes of other products between two pages. */
const disturbance = fc.array(fc.record({ other: fc.nat(99), name: otherName, price }), { maxLength: 60 });
const filter: fc.Arbitrary<Filter> = fc.record(
  {
    q: fc.constantFrom('mouse', 'mou', 'mo', 'mouse big', 'muose', 'mosue', '!', 'mouse!'),
    sort: fc.constantFrom(...sortNames),
    minPrice: fc.constantFrom('3'),
    maxPrice: fc.constantFrom('15'),
  },
  { requiredKeys: ['q'] },
);

test('a search shows each unchanged product once, in order, while others change between its pages', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ name, price }), { minLength: 1_200, maxLength: 1_300 }),
      fc.array(disturbance, { minLength: 20, maxLength: 20 }),
      filter,
      fc.integer({ min: 40, max: 300 }),
      async (made, disturbances, wanted, limit) => {
        await db.sql`truncate products, product_names, words`;
        const products = made.map((product, i) => ({ id: `p${(i * 7919) % 10_000}`, ...product }));
        const [others, unchanged] = [products.slice(0, 100), products.slice(100)];
        await write(db.sql, products);
        await db.sql`analyze products`;
        const undisturbed = await walk(wanted, 500);
        let page = 0;
        const seen = await walk(wanted, limit, async () => {
          const changed = (disturbances[page++] ?? []).map(({ other, ...values }) => ({
            // Existing products, and new ones before and after all others.
            id: others[other]?.id ?? '',
            ...values,
          }));
          const added = changed.flatMap((product, i) =>
            i % 3 === 0 ? [{ ...product, id: `${i % 2 === 0 ? 'a' : 'z'}${page}-${i}` }] : [],
          );
          await write(db.sql, [...new Map(changed.map((product) => [product.id, product])).values(), ...added]);
        });
        const ids = new Set(unchanged.map(({ id }) => id));
        const ofUnchanged = (some: string[]) => some.filter((id) => ids.has(id));
        expect(ofUnchanged(seen)).toEqual(ofUnchanged(undisturbed));
      },
    ),
    { numRuns: 20, endOnFailure: true },
  );
}, 120_000);

test('a search for a misspelt word shows all pages, although a new product has that word', async () => {
  await db.sql`truncate products, product_names, words`;
  await write(
    db.sql,
    Array.from({ length: 40 }, (_, n) => ({ id: `p${n}`, name: `Mouse ${n}`, price: n })),
  );
  const wanted = { q: 'mouze' };
  const undisturbed = await walk(wanted, 100);
  expect(undisturbed).toHaveLength(40);
  const seen = await walk(wanted, 15, () => write(db.sql, [{ id: 'other', name: 'Mouze', price: 1 }]));
  expect(seen).toEqual(undisturbed);
});
