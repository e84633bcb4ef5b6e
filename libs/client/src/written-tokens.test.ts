import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Receipt } from './product.ts';
import { maxTokens, WrittenTokens } from './written-tokens.ts';

const receipt = (id: string, version = 1) => ({ id, version, token: `${id}-${version}` });
const texts = (receipts: readonly Receipt[]) => receipts.map(({ token }) => token);
/** What a query about all products asks for. */
const all = (tokens: WrittenTokens) => tokens.withSeen(tokens.unseen().slice(0, maxTokens));
/** The oldest writes, while there are more than one query can include. */
const overdue = (tokens: WrittenTokens) =>
  tokens.unseen().length > maxTokens ? tokens.unseen().slice(0, maxTokens) : [];

test('of each product the newest write counts, in whatever order the answers came', () => {
  const tokens = new WrittenTokens();
  for (const version of [1, 3, 2]) tokens.add(receipt('mouse', version));
  expect([tokens.of('mouse'), tokens.of('other'), all(tokens)].map(texts)).toEqual([['mouse-3'], [], ['mouse-3']]);
});

test('a write that was shown is asked for a minute longer, then not any more', () => {
  let now = 0;
  const tokens = new WrittenTokens({ now: () => now });
  tokens.add(receipt('mouse'));
  now = 500_000;
  expect(texts(all(tokens))).toEqual(['mouse-1']);
  tokens.shown([receipt('mouse')]);
  now += 60_000;
  expect(texts(all(tokens))).toEqual(['mouse-1']);
  now += 1;
  expect(texts(all(tokens))).toEqual([]);
});

test('twenty at once; the oldest of more are to be asked for first', () => {
  const tokens = new WrittenTokens();
  for (let i = 1; i <= 45; i++) tokens.add(receipt(`p${i}`));
  for (const last of ['p20-1', 'p40-1']) {
    const oldest = overdue(tokens);
    expect([oldest.length, oldest.at(-1)?.token]).toEqual([20, last]);
    tokens.shown(oldest);
  }
  expect(overdue(tokens)).toEqual([]);
  const asked = texts(all(tokens));
  expect(asked).toHaveLength(20);
  expect(asked.slice(0, 6)).toEqual(['p41-1', 'p42-1', 'p43-1', 'p44-1', 'p45-1', 'p40-1']);
});

test('a write that was dropped is not asked for, a later one of the same product is', () => {
  const tokens = new WrittenTokens();
  tokens.add(receipt('mouse'));
  tokens.drop(receipt('mouse'));
  expect(texts(all(tokens))).toEqual([]);
  tokens.add(receipt('mouse', 2));
  expect(texts(all(tokens))).toEqual(['mouse-2']);
});

test('more products than are remembered: those that were shown go first, then the oldest, which is told', () => {
  const tokens = new WrittenTokens({ maxProducts: 3 });
  const add = (id: string) => tokens.add(receipt(id))?.id;
  expect(['a', 'b', 'c'].map(add)).toEqual([undefined, undefined, undefined]);
  tokens.shown([receipt('b')]);
  expect(['d', 'e', 'd'].map(add)).toEqual([undefined, 'a', undefined]);
  expect(texts(all(tokens))).toEqual(['c-1', 'e-1', 'd-1']);
});

test('tokens of products that are only asked for one by one are forgotten, too', () => {
  let now = 0;
  const tokens = new WrittenTokens({ now: () => now });
  tokens.add(receipt('mouse'));
  tokens.shown([receipt('mouse')]);
  now = 60_001;
  tokens.add(receipt('keyboard'));
  expect(tokens.of('mouse')).toEqual([]);
});

test('whatever was written and shown, queries ask for every write that was not shown, in a bounded number', () => {
  const maxProducts = 50;
  const id = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 4, max: 80 })).map((number) => `p${number}`);
  const write = fc.record({ id, version: fc.integer({ min: 1, max: 5 }) });
  const step = fc.oneof({ weight: 8, arbitrary: write }, fc.constantFrom('ask' as const, 'answer' as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const tokens = new WrittenTokens({ maxProducts });
      /** Of each product all versions that were written and not shown yet, nor told to be forgotten. */
      const unfolded = new Map<string, number[]>();
      const query = (answered: Receipt[]) => {
        tokens.shown(answered);
        for (const { id: product, version } of answered)
          unfolded.set(
            product,
            (unfolded.get(product) ?? []).filter((other) => other > version),
          );
      };
      let asked: Receipt[] = [];
      for (const taken of steps) {
        if (taken === 'ask') asked = all(tokens);
        else if (taken === 'answer') query(asked);
        else {
          const { id: product, version } = taken;
          const forgotten = tokens.add(receipt(product, version));
          if (forgotten !== undefined) unfolded.delete(forgotten.id);
          // An older answer that comes late is included in what was shown.
          const isOlder = tokens.of(product).some((kept) => kept.version > version);
          if (!isOlder || unfolded.get(product)?.length)
            unfolded.set(product, [...(unfolded.get(product) ?? []), version]);
        }
      }
      let requests = 1;
      for (let due = overdue(tokens); due.length > 0; due = overdue(tokens), requests++) query(due);
      query(all(tokens));
      expect([...unfolded.values()].flat()).toEqual([]);
      expect(requests).toBeLessThanOrEqual(Math.ceil(maxProducts / 20));
    }),
    { numRuns: 500 },
  );
});
