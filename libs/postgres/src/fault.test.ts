import { expect, test } from 'vitest';
import { faultOfDatabase } from './fault.ts';

const failure = (message: string, code: string) => Object.assign(new Error(message), { code });

test.each([
  [failure('connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED'), 'cannot be reached: connect ECONNREFUSED 127.0.0.1:1.'],
  // A host name with several addresses.
  [Object.assign(new AggregateError([], ''), { code: 'ECONNREFUSED' }), 'cannot be reached: ECONNREFUSED.'],
  [failure('database "shop" does not exist', '3D000'), 'refuses: database "shop" does not exist.'],
  [failure('role "nobody" does not exist', '28000'), 'refuses: role "nobody" does not exist.'],
  [failure('relation "promotions" does not exist', '42P01'), 'has no tables of this release (relation "promotions"'],
])('a fault of a database names its setting: %s', (error, expected) => {
  const told = faultOfDatabase(error, 'PRICES_DB_DSN');
  expect(told).toContain(`The database of PRICES_DB_DSN ${expected}`);
});

test('a missing right names the setting with the user, and other errors keep their message in one line', () => {
  const refused = failure('permission denied for table promotions', '42501');
  expect(faultOfDatabase(refused, 'PROMOTIONS_DB_DSN')).toBe(
    'The user in PROMOTIONS_DB_DSN lacks a right: permission denied for table promotions',
  );
  expect(faultOfDatabase(new Error('line 3:\n  not a price\n'), 'PRICES_DB_DSN')).toBe('line 3:; not a price');
});
