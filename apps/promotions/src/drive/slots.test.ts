import { setImmediate as settle } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { Slots } from './slots.ts';

/** Asks for so many slots; `got` counts those it has. */
function ask(slots: Slots, count: number) {
  const asked = { got: 0 };
  for (let i = 0; i < count; i++) void slots.take().then(() => (asked.got += 1));
  return asked;
}

test('as many commands as given are under way at first, one more with each answer, and never more than the most', async () => {
  const slots = new Slots(6, 4);
  const asked = ask(slots, 20);
  await settle();
  expect(asked.got).toBe(4);
  for (const [freed, got] of [6, 8, 9, 10].entries()) {
    slots.free(true);
    await settle();
    expect([freed, asked.got]).toEqual([freed, got]);
  }
});

test('after a command that was not decided on, few are under way again', async () => {
  const slots = new Slots(8, 4);
  const asked = ask(slots, 20);
  for (let i = 0; i < 4; i++) slots.free(true);
  await settle();
  expect(asked.got).toBe(12);
  for (const got of [12, 12, 12, 12, 13]) {
    slots.free(false);
    await settle();
    expect(asked.got).toBe(got);
  }
  expect(slots.size).toBe(4);
});

test('a slot that no command used changes nothing', async () => {
  const slots = new Slots(8, 4);
  await slots.take();
  slots.free();
  expect(slots.size).toBe(4);
});

test('as many slots as are free can be taken at once, and one that is awaited', async () => {
  const slots = new Slots(8, 4);
  expect(await slots.takeSome(3)).toBe(3);
  expect(await slots.takeSome(3)).toBe(1);
  const awaited = slots.takeSome(3);
  const next = ask(slots, 1);
  slots.free();
  expect(await awaited).toBe(1);
  expect(next.got).toBe(0);
  slots.free(true);
  await settle();
  expect(next.got).toBe(1);
  expect(await slots.takeSome(3)).toBe(1);
});
