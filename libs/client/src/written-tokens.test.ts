import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Receipt } from './product.ts';
import { maxTokens, WrittenTokens } from './written-tokens.ts';

const receipt = (id: string, version = 1) => ({ id, version, token: `${id}-${version}` });
const texts = (receipts: readonly Receipt[]) => receipts.map(({ token }) => token);
/** The writes that a query of a list includes. */
const all = (tokens: WrittenTokens) => tokens.withSeen(tokens.unseen().slice(0, maxTokens));
/** The oldest writes, while there are more than one query can include. */
const overdue = (tokens: WrittenTokens) =>
  tokens.unseen().length > maxTokens ? tokens.unseen().slice(0, maxTokens) : [];

test('the newest write of each product counts, in whatever order the answers arrive', () => {
  const tokens = new WrittenTokens();
  for (const version of [1, 3, 2]) tokens.add(receipt('mouse', version));
  expect([tokens.of('mouse'), tokens.of('other'), all(tokens)].map(texts)).toEqual([['mouse-3'], [], ['mouse-3']]);
});

test('queries include a write for a minute after one has shown it', () => {
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

test('a query includes twenty writes, the oldest first', () => {
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

test('a dropped write is not included, and a later write of the same product is', () => {
  const tokens = new WrittenTokens();
  tokens.add(receipt('mouse'));
  tokens.drop(receipt('mouse'));
  expect(texts(all(tokens))).toEqual([]);
  tokens.add(receipt('mouse', 2));
  expect(texts(all(tokens))).toEqual(['mouse-2']);
});

test('a full memory forgets shown writes first, then the oldest unseen one, which it returns', () => {
  const tokens = new WrittenTokens({ maxProducts: 3 });
  const add = (id: string) => tokens.add(receipt(id))?.id;
  expect(['a', 'b', 'c'].map(add)).toEqual([undefined, undefined, undefined]);
  tokens.shown([receipt('b')]);
  expect(['d', 'e', 'd'].map(add)).toEqual([undefined, 'a', undefined]);
  expect(texts(all(tokens))).toEqual(['c-1', 'e-1', 'd-1']);
});

test('a shown write is forgotten after a minute, also without a query of a list', () => {
  let now = 0;
  const tokens = new WrittenTokens({ now: () => now });
  tokens.add(receipt('mouse'));
  tokens.shown([receipt('mouse')]);
  now = 60_001;
  tokens.add(receipt('keyboard'));
  expect(tokens.of('mouse')).toEqual([]);
});

test('after any sequence of writes and answers, a bounded number of queries includes every unseen write', () => {
  const maxProducts = 50;
  const id = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 4, max: 80 })).map((number) => `p${number}`);
  const write = fc.record({ id, version: fc.integer({ min: 1, max: 5 }) });
  const step = fc.oneof({ weight: 8, arbitrary: write }, fc.constantFrom('ask' as const, 'answer' as const));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const tokens = new WrittenTokens({ maxProducts });
      /** Of each product, the versions that no query has shown and that the client has not forgotten. */
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
