import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { runBeside } from './beside.ts';

/** Works until it is over, and then says so. */
const worker = (ended: string[], name: string) => async (over: AbortSignal) => {
  while (!over.aborted) await turn();
  ended.push(name);
};

test('what runs beside the steps ends with them', async () => {
  const ended: string[] = [];
  await using beside = runBeside([worker(ended, 'a'), worker(ended, 'b')]);
  expect(await beside.during(async () => 'done')).toBe('done');
  expect(ended).toEqual([]);
  await beside.end();
  expect(ended.toSorted()).toEqual(['a', 'b']);
});

test('a failure beside the steps fails the test, after the steps and the others have ended', async () => {
  const ended: string[] = [];
  const fails = async () => {
    await turn();
    throw new Error('beside');
  };
  const run = async () => {
    await using beside = runBeside([worker(ended, 'other'), fails]);
    await beside.during(() => worker(ended, 'steps')(beside.over));
  };
  await expect(run()).rejects.toThrow('beside');
  expect(ended.toSorted()).toEqual(['other', 'steps']);
});

test('a failure of the steps is the one that is reported, and ends the others', async () => {
  const ended: string[] = [];
  const run = async () => {
    await using beside = runBeside([worker(ended, 'other'), worker(ended, 'another')]);
    await beside.during(() => Promise.reject(new Error('steps')));
  };
  await expect(run()).rejects.toThrow('steps');
  expect(ended.toSorted()).toEqual(['another', 'other']);
});
