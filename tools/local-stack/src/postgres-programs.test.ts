import { expect, test } from 'vitest';
import { chosenPostgresVersion, plannedPostgresVersions } from './postgres-programs.ts';

test.each([
  { named: undefined, chosen: 18, planned: [15, 18] },
  { named: ' ', chosen: 18, planned: [15, 18] },
  { named: '16', chosen: 16, planned: [16] },
])('servers and tests of plans use the version that is named: $named', ({ named, chosen, planned }) => {
  const env = { POSTGRES_VERSION: named };
  expect([chosenPostgresVersion(env), plannedPostgresVersions(env)]).toEqual([chosen, planned]);
});

test('a version that is not supported is refused', () => {
  expect(() => chosenPostgresVersion({ POSTGRES_VERSION: '14' })).toThrow('one of 15, 16, 17, 18, not "14"');
});
