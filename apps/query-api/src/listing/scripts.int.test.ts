import type { Product } from '@catalogue/contracts';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, type TestDatabase } from '@catalogue/testing';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { project, startQueryApi } from '../../test/fixture.ts';

let db: TestDatabase;
let api: Awaited<ReturnType<typeof startQueryApi>>;

const names = [
  '联想笔记本电脑',
  '電腦桌',
  'USB线 2米',
  'ノートパソコン',
  'ｱｲﾛﾝ台',
  'ガラスのコップ',
  '삼성 노트북 컴퓨터',
  'ลำโพงบลูทูธ',
  'ไม้กวาด',
  'ไมโครโฟน',
  'माउस वायरलेस',
  'मकान उसका',
  'ΟΔΟΣΗΜΑ',
  'Οδός 7',
  'Ёлка',
  'أحمر قلم',
  'כִּסֵּא',
  'Tiếng Việt',
  'İnce Isıtıcı',
  'Weiße Maus',
  'ＡＢＣ－１２３',
  'C',
  'C compiler',
  'Learn C++ in a week',
  'C# cookbook',
  'Vitamin C',
  '.NET primer',
  'Net curtain',
  '100% cotton',
  '100 cotton pads',
  'Happy 😀 mug',
  '❤️ cushion',
  'Soft\u00adhyphen',
];

beforeAll(async () => {
  db = await createDatabase(inject('servers').readDb, migrateReadModel);
  api = await startQueryApi(db.dsn);
  await project(
    db.sql,
    names.map((name, i) => ({ id: `n${String(i).padStart(2, '0')}`, version: 1, name })),
  );
});
afterAll(async () => {
  await api?.[Symbol.asyncDispose]();
  await db?.[Symbol.asyncDispose]();
});

async function search(q: string): Promise<string[]> {
  const response = await fetch(`${api.url}/products?q=${encodeURIComponent(q)}`);
  expect(response.status).toBe(200);
  return ((await response.json()) as Product[]).map(({ name }) => name);
}

describe('a word of one or two characters is found inside a name without spaces', () => {
  test.each([
    ['Chinese', '电脑', ['联想笔记本电脑']],
    ['Chinese', '脑', ['联想笔记本电脑']],
    ['traditional Chinese', '腦桌', ['電腦桌']],
    ['Chinese and Latin', 'b线', ['USB线 2米']],
    ['Japanese', 'パソ', ['ノートパソコン']],
    ['Japanese', 'ン', ['ノートパソコン', 'ｱｲﾛﾝ台']],
    ['Korean', '퓨터', ['삼성 노트북 컴퓨터']],
    ['Korean', '북', ['삼성 노트북 컴퓨터']],
    ['Thai', 'ทู', ['ลำโพงบลูทูธ']],
    ['Thai', 'พ', ['ลำโพงบลูทูธ']],
  ])('%s: %s', async (_, q, found) => {
    expect((await search(q)).toSorted()).toEqual(found.toSorted());
  });
  test('and a name has to have all words of the search', async () => {
    expect(await search('电脑 联想')).toEqual(['联想笔记本电脑']);
    expect(await search('电脑 桌')).toEqual([]);
    expect(await search('脑电')).toEqual([]);
  });
});

test.each([
  ['a final sigma is a sigma', 'ΟΔΟΣ', ['Οδός 7', 'ΟΔΟΣΗΜΑ']],
  ['a final sigma is a sigma', 'οδός', ['Οδός 7', 'ΟΔΟΣΗΜΑ']],
  ['half width is full width', 'アイロン', ['ｱｲﾛﾝ台']],
  ['half width is full width', 'ｶﾞﾗｽ', ['ガラスのコップ']],
  ['a mark that is apart is one with its letter', 'カ\u3099ラス', ['ガラスのコップ']],
  ['full width is half width', 'abc', ['ＡＢＣ－１２３']],
  ['jamo are syllables', '노트북'.normalize('NFD'), ['삼성 노트북 컴퓨터']],
  ['Thai vowels are part of a word', 'ไม้', ['ไม้กวาด']],
  ['Hindi vowels are part of a word', 'माउस', ['माउस वायरलेस']],
  ['ё is е', 'елка', ['Ёлка']],
  ['hamza may be left out', 'احمر', ['أحمر قلم']],
  ['vowel points may be left out', 'כסא', ['כִּסֵּא']],
  ['tones may be left out', 'tieng viet', ['Tiếng Việt']],
  ['i with and without a dot', 'ince isitici', ['İnce Isıtıcı']],
  ['i with and without a dot', 'INCE ISITICI', ['İnce Isıtıcı']],
  ['ß is ss', 'WEISSE', ['Weiße Maus']],
  ['ẞ is ss', 'WEIẞE', ['Weiße Maus']],
  ['an emoji is found', '😀', ['Happy 😀 mug']],
  ['an emoji is found in either form', '❤', ['❤️ cushion']],
  ['a soft hyphen is not seen', 'softhyphen', ['Soft\u00adhyphen']],
])('%s: %s', async (_, q, found) => {
  expect(await search(q)).toEqual(found);
});

describe('signs decide between names that have the same words', () => {
  test.each([
    ['C++', 'Learn C++ in a week'],
    ['c#', 'C# cookbook'],
    ['.net', '.NET primer'],
    ['100%', '100% cotton'],
    ['c', 'C'],
  ])('%s finds %s first', async (q, first) => {
    expect((await search(q))[0]).toBe(first);
  });
  test('and keep the names without the signs in the result', async () => {
    const found = await search('c++');
    expect(found.slice(0, 4)).toEqual(['Learn C++ in a week', 'C', 'C compiler', 'C# cookbook']);
    expect(found.toSorted()).toEqual((await search('c')).toSorted());
  });
  test('and a name with a sign still counts as a whole match', async () => {
    await project(
      db.sql,
      ['Kettle', 'Kettle!', 'Kettle black'].map((name) => ({ id: name, version: 1, name })),
    );
    expect(await search('kettle')).toEqual(['Kettle', 'Kettle!', 'Kettle black']);
    expect(await search('kettle!')).toEqual(['Kettle!', 'Kettle', 'Kettle black']);
  });
  test('and a text of signs finds only names with all of them', async () => {
    expect(await search('++')).toEqual(['Learn C++ in a week']);
    expect(await search('+#')).toEqual([]);
  });
});

test('a name with the signs comes first, however many names have the words', async () => {
  await db.sql`
    insert into products (generation, id, name, price, version, created_at, updated_at)
    select 1, 'm' || n, 'Manual C ' || n, 1, 1, now(), now() from generate_series(1, 1000) n`;
  expect((await search('C++'))[0]).toBe('Learn C++ in a week');
});

test('pages of many matches show each once, names with the signs first', async () => {
  await db.sql`
    insert into products (generation, id, name, price, version, created_at, updated_at)
    select 1, 's' || n, 'F# primer ' || n, 1, 1, now(), now() from generate_series(1, 600) n`;
  await db.sql`
    insert into products (generation, id, name, price, version, created_at, updated_at)
    select 1, 'f' || n, 'F primer ' || n, 1, 1, now(), now() from generate_series(1, 600) n`;
  const seen: string[] = [];
  for (let next: string | undefined = '/products?q=f%23&limit=90'; next !== undefined; ) {
    const response: Response = await fetch(api.url + next);
    seen.push(...((await response.json()) as Product[]).map(({ name }) => name));
    next = /<([^<>]*)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
  }
  expect(seen).toHaveLength(1_000);
  expect(new Set(seen).size).toBe(1_000);
  expect(seen.findIndex((name) => !name.startsWith('F#'))).toBe(500);
});
