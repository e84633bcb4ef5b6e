import { expect, test } from 'vitest';
import { WrittenTokens } from './written-tokens.ts';

const receipt = (id: string, version = 1) => ({ id, version, token: `${id}-${version}` });

test('of each product the newest write counts, in whatever order the answers came', () => {
  const tokens = new WrittenTokens();
  for (const version of [1, 3, 2]) tokens.add(receipt('mouse', version));
  expect([tokens.of('mouse'), tokens.of('other'), tokens.all()]).toEqual([['mouse-3'], [], ['mouse-3']]);
});

test('a write that was shown is asked for a minute longer, then not any more', () => {
  let now = 0;
  const tokens = new WrittenTokens(() => now);
  tokens.add(receipt('mouse'));
  now = 500_000;
  expect(tokens.all()).toEqual(['mouse-1']);
  tokens.shown(['mouse-1']);
  now += 60_000;
  expect(tokens.all()).toEqual(['mouse-1']);
  now += 1;
  expect(tokens.all()).toEqual([]);
});

test('twenty at once; the oldest of more are to be asked for first', () => {
  const tokens = new WrittenTokens();
  for (let i = 1; i <= 45; i++) tokens.add(receipt(`p${i}`));
  for (const last of ['p20-1', 'p40-1']) {
    const overdue = tokens.overdue();
    expect([overdue.length, overdue.at(-1)]).toEqual([20, last]);
    tokens.shown(overdue);
  }
  expect(tokens.overdue()).toEqual([]);
  const all = tokens.all();
  expect(all).toHaveLength(20);
  expect(all.slice(0, 6)).toEqual(['p41-1', 'p42-1', 'p43-1', 'p44-1', 'p45-1', 'p40-1']);
});

test('a write that was dropped is not asked for, a later one of the same product is', () => {
  const tokens = new WrittenTokens();
  tokens.add(receipt('mouse'));
  tokens.drop('mouse-1');
  expect(tokens.all()).toEqual([]);
  tokens.add(receipt('mouse', 2));
  expect(tokens.all()).toEqual(['mouse-2']);
});
