import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { installedPackages, licenceFault } from './licences.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

test('every installed package has a licence that is allowed', () => {
  const installed = installedPackages(root);
  expect(installed.length).toBeGreaterThan(100);
  expect(installed.flatMap((each) => licenceFault(each) ?? [])).toEqual([]);
});

test.each([
  ['GPL-3.0-only', 'left-pad@1.0.0 has the licence GPL-3.0-only, which is not allowed'],
  ['MIT AND GPL-2.0-only', 'left-pad@1.0.0 has the licence MIT AND GPL-2.0-only, which is not allowed'],
  ['MPL-2.0', 'left-pad@1.0.0 has the licence MPL-2.0, which is not allowed'],
  ['SEE LICENSE IN file', 'left-pad@1.0.0 has the licence SEE LICENSE IN file, which is not allowed'],
  ['', 'left-pad@1.0.0 names no licence'],
  [undefined, 'left-pad@1.0.0 names no licence'],
  ['MIT', undefined],
  ['(GPL-3.0-only OR MIT)', undefined],
])('a package with the licence %s is judged', (license, fault) => {
  expect(licenceFault({ name: 'left-pad', version: '1.0.0', license })).toBe(fault);
});
