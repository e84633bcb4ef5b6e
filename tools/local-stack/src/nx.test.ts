import { expect, test } from 'vitest';
import { endIn, shown } from './nx.ts';

test("a log line of a service is shown with the service's name", () => {
  expect(shown('@catalogue/query-api: listening')).toBe('query-api: listening');
});

test('a message of nx tells that a service has ended', () => {
  const line = 'Task "@catalogue/query-api:serve" is continuous but exited with code 78';
  expect(endIn(line)).toBe('query-api');
  expect(endIn(line.replace('query-api:serve', 'outbox-relay:serve-promotions'))).toBe('promotions-relay');
  expect(endIn('@catalogue/query-api: listening')).toBeUndefined();
});

test.each([
  '',
  ' NX   Running target serve for 4 projects:',
  '- @catalogue/query-api',
  '> nx run @catalogue/query-api:serve',
])('other lines of nx are not shown: "%s"', (line) => expect(shown(line)).toBeUndefined());
