import { expect, test } from 'vitest';
import { shown } from './nx.ts';

test('a line of a service is shown with its name', () => {
  expect(shown('@catalogue/query-api: listening')).toBe('query-api: listening');
});

test('a service that ends is shown', () => {
  const line = 'Task "@catalogue/query-api:serve" is continuous but exited with code 1';
  expect(shown(line)).toBe(line);
});

test.each([
  '',
  ' NX   Running target serve for 4 projects:',
  '- @catalogue/query-api',
  '> nx run @catalogue/query-api:serve',
])('what nx announces is not: "%s"', (line) => expect(shown(line)).toBeUndefined());
