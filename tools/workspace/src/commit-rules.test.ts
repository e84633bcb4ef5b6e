import { expect, test } from 'vitest';
import { faultsIn } from './commit-rules.ts';

const why = '\n\nReaders met version 2 before version 1.';

test.each([
  `fix(event-store): read the log in order${why}`,
  `feat!: refuse prices with three decimals${why}`,
  'chore(release): publish',
])('%j is a commit message', (message) => {
  expect(faultsIn(message)).toEqual([]);
});

test.each([
  [`Reads the log in order${why}`, 'not `type(scope): summary`'],
  [`fix(Event Store): read the log in order${why}`, 'not `type(scope): summary`'],
  [`fix: ${'x'.repeat(68)}${why}`, 'has 73 characters'],
  [`fix: read the log in order.${why}`, 'full stop'],
  [`fix: read the log in order\nReaders met version 2 first.`, 'second line'],
  ['fix: read the log in order', 'body'],
])('%j breaks a rule: %s', (message, fault) => {
  expect(faultsIn(message)).toContainEqual(expect.stringContaining(fault));
});
