import { expect, test } from 'vitest';
import { versionsOf } from './preconditions.ts';

test.each<[string | undefined, readonly number[] | undefined]>([
  [undefined, undefined],
  ['*', undefined],
  ['"3"', [3]],
  ['"3", "12"', [3, 12]],
  ['W/"3"', [-1]],
  ['"abc"', [-1]],
  ['"03"', [-1]],
  ['', []],
  ['"a,"', [-1]],
  ['"1,", "2"', [-1, 2]],
  [', "3",', [3]],
])('If-Match: %s means the versions %j', (header, versions) => {
  expect(versionsOf(header)).toEqual(versions);
});

test.each(['3', '"3', '"3";', "'3'"])('If-Match: %s is malformed', (header) => {
  expect(() => versionsOf(header)).toThrow(/If-Match/);
});
