import { describe, expect, test } from 'vitest';
import { isConnectionLost, isTransient } from './errors.ts';

describe('an error that goes away by itself is transient', () => {
  test.each(['ECONNREFUSED', 'CONNECTION_CLOSED', '08006', '57P01', '57P03', '40001', '40P01', '53300', '57014'])(
    '%s',
    (code) => expect(isTransient({ code })).toBe(true),
  );
});

describe('an error that comes again is not', () => {
  test.each(['23505', '42601', '22P02', '42P01', 'ERR_INVALID_ARG_TYPE'])('%s', (code) => {
    expect(isTransient({ code })).toBe(false);
  });
  test.each([new Error('no code'), null, undefined, 'text', { code: 5 }])('%s', (error) => {
    expect(isTransient(error)).toBe(false);
  });
});

test('after a lost connection the outcome is unknown, after a deadlock it is known', () => {
  expect(isConnectionLost({ code: 'CONNECTION_CLOSED' })).toBe(true);
  expect(isConnectionLost({ code: '40P01' })).toBe(false);
});
