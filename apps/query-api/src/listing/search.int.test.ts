import type { Sql } from '@catalogue/postgres';
import { migrateReadModel } from '@catalogue/read-schema';
import { QueryQueue } from '@catalogue/reading';
import { createDatabase, type TestDatabase, waitFor } from '@catalogue/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { openPools } from '../pools.ts';
import type { Filter, PagePosition } from './filter.ts';
import { ListReader } from './list-reader.ts';
import { decodeCursor, encodeCursor } from './page-cursor.ts';
import { searchPage } from './search.ts';
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

test('names that are too long for an index are found among the others, each once', async () => {
  await db.sql`truncate products, product_names, words`;
  // No two of these 800 signs are equal, so they cannot be compressed.
  const long = String.fromCodePoint(...Array.from({ length: 800 }, (_, n) => 0x4e_00 + n * 23));
  const products = Array.from({ length: 60 }, (_, n) => {
    const id = `p${10 + ((n * 7) % 60)}`;
    return { id, name: n % 3 === 0 ? `Mouse ${n} ${long}` : `Mouse ${n} ${long.slice(0, 2)}`, price: n };
  });
  await write(db.sql, products);
  await db.sql`vacuum analyze products, product_names`;
  const ids = (some: typeof products) => some.map(({ id }) => id).toSorted();
  for (const wanted of [{ q: 'mouse' }, { q: long.slice(0, 2) }, { q: `${long.slice(0, 2)} mouse`, maxPrice: '99' }]) {
    expect((await walk(wanted, 7)).toSorted()).toEqual(ids(products));
    expect((await walk({ ...wanted, maxPrice: '30' }, 7)).toSorted()).toEqual(ids(products.slice(0, 31)));
  }
  const lasting = products.filter((product) => product.name.endsWith(long));
  expect((await walk({ q: long.slice(-2) }, 7)).toSorted()).toEqual(ids(lasting));
});

test.each(['mouse', '鼠标'])('names that have %s are not read from the table', async (q) => {
  await db.sql`truncate products, product_names, words`;
  const nameOf = (n: number) => `Desk ${n}${n % 3 === 0 ? ' 桌子 (new)' : ''}${n % 20 === 0 ? ' mouse 鼠标' : ''}`;
  const ids = Array.from({ length: 40_000 }, (_, n) => (n * 7919) % 40_000);
  await write(
    db.sql,
    ids.map((id, n) => ({ id: `p${id}`, name: nameOf(n), price: n })),
  );
  // A page is read from the index alone once it is marked as visible to all: not while another session may see older rows.
  await waitFor('all names to be visible', async () => {
    await db.sql`vacuum analyze products, product_names`;
    const [names] = await db.sql`
      select relallvisible = relpages as "areVisible" from pg_class where oid = 'product_names_g1'::regclass`;
    return names?.['areVisible'] === true;
  });
  const read = await pools.listing.begin(async (tx) => {
    const list = { filter: { q }, limit: 50, after: undefined };
    // It counts also what the session read in the second before.
    const fetched = async () => {
      const [row] = await tx<{ count: number }[]>`
        select pg_stat_get_xact_tuples_fetched('product_names_g1'::regclass)::int as count`;
      return row?.count ?? Number.NaN;
    };
    const before = await fetched();
    expect((await searchPage((make) => make(), tx as unknown as Sql, list)).rows).toHaveLength(50);
    return (await fetched()) - before;
  });
  // 2 000 names match.
  expect(read).toBeLessThan(500);
  // A wide range of prices, and one of few products.
  for (const [minPrice, maxPrice] of [
    [1_000, 30_000],
    [1_000, 5_000],
  ] as const) {
    const priced = ids.filter((_, n) => n % 20 === 0 && n >= minPrice && n <= maxPrice).map((id) => `p${id}`);
    const found = await walk({ q, minPrice: String(minPrice), maxPrice: String(maxPrice) }, 200);
    expect(found.toSorted()).toEqual(priced.toSorted().slice(0, 500));
  }
});
