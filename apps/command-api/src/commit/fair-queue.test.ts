import { expect, test } from 'vitest';
import { FairQueue } from './fair-queue.ts';

function queueOf(...counts: [caller: string, count: number][]) {
  const queue = new FairQueue<{ caller: string; number: number }>();
  for (const [caller, count] of counts) for (let number = 0; number < count; number += 1) queue.add({ caller, number });
  return queue;
}

test('callers take turns, and each caller’s commands keep their order', () => {
  const queue = queueOf(['many', 3], ['few', 1], ['some', 2]);
  expect(queue.size).toBe(6);
  expect(queue.removeAll().map(({ caller, number }) => `${caller} ${number}`)).toEqual([
    'many 0',
    'few 0',
    'some 0',
    'many 1',
    'some 1',
    'many 2',
  ]);
  expect([queue.size, queue.removeAll()]).toEqual([0, []]);
});

test('a full queue takes commands of callers that have less than their part of it', () => {
  expect(queueOf(['many', 9]).hasRoom('many', 10)).toBe(true);
  expect(queueOf(['many', 10]).hasRoom('many', 10)).toBe(false);
  expect(queueOf(['many', 10]).hasRoom('few', 10)).toBe(true);
  expect(queueOf(['many', 10], ['few', 4]).hasRoom('few', 10)).toBe(true);
  expect(queueOf(['many', 10], ['few', 5]).hasRoom('few', 10)).toBe(false);
});

test('however many callers there are, a queue has at most twice its commands', () => {
  const queue = queueOf(['many', 10]);
  for (let i = 0; i < 100; i += 1) {
    const caller = `caller ${i}`;
    if (queue.hasRoom(caller, 10)) queue.add({ caller, number: 0 });
  }
  expect(queue.size).toBeGreaterThan(10);
  expect(queue.size).toBeLessThanOrEqual(20);
});
