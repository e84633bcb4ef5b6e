import { describe, expect, test } from 'vitest';
import { dayMs, onDay } from '../../test/lines.ts';
import type { Period } from '../line/period.ts';
import { addLow, closeLow, type Lows, lowestSince } from './lows.ts';

const minute = 60_000;

/** The lows after these prices, each from an instant on. */
const lowsOf = (...changes: [at: number, cents: number][]): Lows =>
  changes.reduce<Lows>((lows, [from, cents], index) => {
    const period: Period = {
      from,
      to: null,
      cents,
      version: index + 1,
      eventId: `event ${index + 1}`,
      promotion: null,
    };
    return addLow(closeLow(lows, from), period, 30);
  }, []);
const pricesOf = (lows: Lows) => lows.map(({ cents }) => cents);

describe('the lows', () => {
  test('are the prices that no later one undercuts', () => {
    expect(pricesOf(lowsOf([onDay(0), 500], [onDay(1), 300], [onDay(2), 400], [onDay(3), 600]))).toEqual([
      300, 400, 600,
    ]);
    expect(pricesOf(lowsOf([onDay(0), 300], [onDay(1), 400], [onDay(2), 300]))).toEqual([300]);
  });

  test('of which the first that reaches into a window is its lowest', () => {
    const lows = lowsOf([onDay(0), 300], [onDay(1), 400], [onDay(2), 500]);
    const lowest = (from: number) => lowestSince(lows, from)?.cents;
    expect([onDay(1) - 1, onDay(1), onDay(2), onDay(9)].map(lowest)).toEqual([300, 400, 500, 500]);
  });

  test('are dropped when no window can reach them', () => {
    expect(pricesOf(lowsOf([onDay(0), 300], [onDay(1), 400], [onDay(32.5), 500]))).toEqual([300, 400, 500]);
    expect(pricesOf(lowsOf([onDay(0), 300], [onDay(1), 400], [onDay(33), 500]))).toEqual([400, 500]);
  });

  test('keep only the lower of two that end before the same quarter of an hour', () => {
    const start = onDay(0);
    expect(pricesOf(lowsOf([start, 300], [start + minute, 400], [start + 15 * minute, 500]))).toEqual([300, 500]);
    expect(pricesOf(lowsOf([start, 300], [start + minute, 400], [start + 15 * minute + 1, 500]))).toEqual([
      300, 400, 500,
    ]);
  });

  test('keep one that begins with a quarter of an hour: a window may begin there, too', () => {
    const midnight = onDay(1);
    const lows = lowsOf([onDay(0), 300], [midnight, 400], [midnight + minute, 500]);
    expect(lowestSince(lows, midnight)?.cents).toBe(400);
    expect(lowestSince(lows, midnight + dayMs)?.cents).toBe(500);
  });
});
