import { expect, test } from 'vitest';
import type { Bed } from './bed.ts';
import { choose, runRounds } from './rounds.ts';
import type { Scenario } from './scenarios/scenario.ts';

const scenario = (name: string, of: string[] = [], measure: Scenario['measure'] = async () => ({})): Scenario => ({
  name,
  title: name,
  mode: 'write',
  targets: of.map((floor) => ({ figure: 'perSecond', of: floor })),
  measure,
});
const all = [scenario('commits'), scenario('route'), scenario('creates', ['commits']), scenario('keyed', ['creates'])];
const options = { rounds: 1, log: () => {}, signal: new AbortController().signal };
const bed = { enter: async () => {} } as unknown as Bed;
const namesOf = (chosen: Scenario[]) => chosen.map(({ name }) => name);

test('a scenario is chosen with its floors, in the order of a round', () => {
  expect(namesOf(choose(all, []))).toEqual(['commits', 'route', 'creates', 'keyed']);
  expect(namesOf(choose(all, ['creates']))).toEqual(['commits', 'creates']);
  expect(namesOf(choose(all, ['keyed', 'route']))).toEqual(['route', 'creates', 'keyed']);
  expect(namesOf(choose(all, ['c*']))).toEqual(['commits', 'creates']);
  expect(() => choose(all, ['k*d'])).toThrow('There is no scenario "k*d"');
  expect(() => choose(all, ['kyed'])).toThrow('There is no scenario "kyed"; there are commits, route, creates, keyed');
});

test('rounds are interleaved, and a failed one is reported while the others continue', async () => {
  const order: string[] = [];
  const working = (name: string) => scenario(name, [], async () => ({ perSecond: order.push(name) }));
  const failing = scenario('b', [], async () => {
    order.push('b');
    if (order.length === 2) throw new Error('5 were acknowledged, 4 are stored');
    return {};
  });
  const { outcomes, failures } = await runRounds(bed, [working('a'), failing, working('c')], { ...options, rounds: 2 });
  expect(order).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  expect(outcomes.map(({ rounds }) => rounds)).toEqual([
    [{ perSecond: 1 }, { perSecond: 4 }],
    [undefined, {}],
    [{ perSecond: 3 }, { perSecond: 6 }],
  ]);
  expect(failures).toEqual(['1/2 b: 5 were acknowledged, 4 are stored']);
});

test('an interruption ends the rounds at once', async () => {
  const stop = new AbortController();
  const endless = scenario('a', [], () => {
    setImmediate(() => stop.abort(new Error('Interrupted')));
    return new Promise(() => {});
  });
  await expect(runRounds(bed, [endless], { ...options, signal: stop.signal })).rejects.toThrow('Interrupted');
});
