import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WakeUp } from './wake-up.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** How many milliseconds the relay waits; a hint may come meanwhile. */
async function waited(wakeUp: WakeUp, { hintAfterMs }: { hintAfterMs?: number } = {}): Promise<number> {
  const over = new AbortController();
  const waiting = wakeUp.next(undefined, new AbortController().signal).then(() => over.abort());
  let ms = 0;
  for (await vi.advanceTimersByTimeAsync(0); !over.signal.aborted; ms += 1) {
    if (ms === hintAfterMs) wakeUp.hint();
    await vi.advanceTimersByTimeAsync(1);
  }
  await waiting;
  return ms;
}

/** A relay that has found nothing for a while. */
async function idle(): Promise<WakeUp> {
  const wakeUp = new WakeUp();
  for (let i = 0; i < 10; i++) await waited(wakeUp);
  return wakeUp;
}

test('without hints the pauses grow up to 250 ms, so an event whose hint is lost waits no longer', async () => {
  const wakeUp = new WakeUp();
  const pauses: number[] = [];
  for (let i = 0; i < 11; i++) pauses.push(await waited(wakeUp));
  expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 250, 250, 250]);
});

test('a hint ends a pause at once, and makes the next pause short', async () => {
  const wakeUp = await idle();
  expect(await waited(wakeUp, { hintAfterMs: 7 })).toBeLessThanOrEqual(8);
  expect(await waited(wakeUp)).toBe(1);
});

test('a hint that comes while the relay reads or sends is not lost: there is no pause', async () => {
  const wakeUp = await idle();
  wakeUp.hint();
  expect(await waited(wakeUp)).toBe(0);
  expect(await waited(wakeUp)).toBe(1);
});
