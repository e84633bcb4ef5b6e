import { expect, test } from 'vitest';
import { Wake } from './wake.ts';

const never = 2 ** 30;

test('a pause ends early when it is woken, also if that came just before', async () => {
  const wake = new Wake();
  wake.now();
  await expect(wake.after(never)).resolves.toBeUndefined();
  const pausing = wake.after(never);
  wake.now();
  await expect(pausing).resolves.toBeUndefined();
});

test('a pause ends by itself, and uses up what woke it', async () => {
  const wake = new Wake();
  await wake.after(1);
  wake.now();
  await wake.after(never);
  const pausing = wake.after(never).then(() => 'pause');
  expect(await Promise.race([pausing, new Promise((resolve) => setTimeout(resolve, 5, 'timer'))])).toBe('timer');
  wake.now();
  expect(await pausing).toBe('pause');
});
