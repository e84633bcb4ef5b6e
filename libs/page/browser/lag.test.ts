import { expect, test } from 'vitest';
import { Lag } from './lag.ts';

const shown = (id: string, version: number, updatedAt = 0) => ({
  id,
  version,
  name: '',
  price: 0,
  createdAt: '',
  updatedAt: new Date(updatedAt).toISOString(),
});

test('the lag of an own write runs from its answer until it is shown, whatever the catalogue’s clock says', () => {
  const lag = new Lag();
  expect(lag.describe(0)).toBe('');
  lag.expect({ id: 'a', version: 2 }, 1_000);
  lag.seen(shown('a', 1), 1_010);
  lag.seen(shown('a', 2, 999_999), 1_034);
  expect(lag.describe(99_000)).toBe('Read side 34 ms behind');
});

test('a write that is not shown after a second is reported with its age', () => {
  const lag = new Lag();
  lag.expect({ id: 'a', version: 2 }, 0);
  lag.expect({ id: 'b', version: 1 }, 500);
  expect(lag.describe(900)).toBe('');
  expect(lag.describe(3_200)).toBe('Read side 3.2 s behind, 2 changes on the way');
  lag.forget();
  expect(lag.describe(3_300)).toBe('');
});

test('the lag of others’ changes runs on the catalogue’s clock', () => {
  const lag = new Lag();
  lag.seen(shown('a', 1, 10_000), 10_050);
  expect(lag.describe(0)).toBe('Read side 50 ms behind');
  lag.compareClocks(3_610_000, 10_000);
  lag.seen(shown('a', 2, 3_610_000), 10_200);
  expect(lag.describe(0)).toBe('Read side 200 ms behind');
});
