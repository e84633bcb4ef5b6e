import { expect, test } from 'vitest';
import { inTime, outageProblem } from './outage.ts';

test('an answer in time is returned, and a late one refused', async () => {
  expect(await inTime(Promise.resolve(7), 1_000)).toBe(7);
  await expect(inTime(new Promise(() => {}), 1)).rejects.toMatchObject({ type: 'unavailable' });
});

test('a lost connection is an outage, which a client may retry; a fault of the service is not', () => {
  const lost = Object.assign(new Error('lost'), { code: 'CONNECTION_CLOSED' });
  expect(outageProblem(lost)).toMatchObject({ type: 'unavailable', headers: { 'retry-after': '1' } });
  expect(outageProblem(new TypeError('undefined'))).toBeUndefined();
});
