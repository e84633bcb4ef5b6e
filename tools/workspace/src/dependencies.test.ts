import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { brokenByImport, brokenRules, onCircles } from './dependency-rules.ts';
import { type Package, readImports, readPackages, readRooms } from './packages.ts';
import { readSource } from './patterns.ts';

const packages = readPackages();

test('the packages depend on one another as the architecture says', () => {
  expect(packages.map(({ folder }) => folder)).toContain('apps/command-api');
  expect(brokenRules(packages)).toEqual([]);
});

test('only the owner of a client library imports it', () => {
  const imports = packages.flatMap(({ folder }) => readImports(folder));
  expect(imports.map(({ imported }) => imported)).toContain('@confluentinc/kafka-javascript');
  expect(imports.map(brokenByImport).filter((broken) => broken !== undefined)).toEqual([]);
});

test('the folders of a package import one another in one direction', () => {
  expect(readRooms('apps/query-api').get('apps/query-api/src/routes')).toContain('apps/query-api/src/listing');
  expect(packages.flatMap(({ folder }) => onCircles(readRooms(folder)))).toEqual([]);
});

test('no program that a test of an app or a library starts gets the settings of the shell', () => {
  const cwd = fileURLToPath(new URL('../../..', import.meta.url));
  const files = globSync('{apps,libs}/*/{src,test}/**/*.ts', { cwd });
  expect(files).toContain('apps/query-worker/src/crashes.int.test.ts');
  expect(files.filter((file) => readSource(file).includes('...process.env'))).toEqual([]);
});

test('folders that import one another form a circle, and other folders do not', () => {
  const arrows = { app: ['routes', 'cache'], routes: ['cache'], cache: ['rows'], rows: ['routes'], main: ['app'] };
  const rooms = new Map(Object.entries(arrows).map(([from, to]) => [from, new Set(to)]));
  expect(onCircles(rooms)).toEqual(['routes', 'cache', 'rows']);
});

const one = (folder: string, side: string, rest: Partial<Package> = {}): Package => ({
  name: `@catalogue/${folder.split('/')[1]}`,
  folder,
  kind: folder.split('/')[0] as Package['kind'],
  side,
  targets: ['build', 'serve', 'test', 'int', 'image'],
  dependencies: [],
  devDependencies: [],
  ...rest,
});

test.each([
  {
    packages: [one('apps/a', 'write', { dependencies: ['@catalogue/b'] }), one('apps/b', 'write')],
    broken: ['apps/a depends on apps/b, an app.'],
  },
  {
    packages: [one('libs/a', 'write', { dependencies: ['@catalogue/b'] }), one('libs/b', 'read')],
    broken: ['libs/a (side:write) depends on libs/b (side:read).'],
  },
  { packages: [one('libs/a', 'tool')], broken: ['libs/a has the tag side:tool.'] },
  {
    packages: [one('libs/a', 'shared', { devDependencies: ['@catalogue/b'] }), one('libs/b', 'write')],
    broken: ['libs/a (side:shared) depends on libs/b (side:write).'],
  },
  {
    packages: [one('libs/a', 'read', { dependencies: ['@catalogue/b'] }), one('tools/b', 'tool')],
    broken: ['libs/a (side:read) depends on tools/b (side:tool).'],
  },
  {
    packages: [one('libs/a', 'read', { devDependencies: ['postgres'] })],
    broken: ['libs/a/package.json depends on postgres, which is for libs/postgres only.'],
  },
  {
    packages: [one('apps/a', 'read', { targets: ['build', 'int'] }), one('libs/b', 'green')],
    broken: [
      'apps/a lacks the targets serve, test, image.',
      'libs/b needs one of the tags side:write, side:read, side:process, side:shared, side:tool.',
    ],
  },
  {
    packages: [
      one('libs/a', 'shared', { dependencies: ['@catalogue/b'] }),
      one('libs/b', 'shared', { dependencies: ['@catalogue/a'] }),
      one('libs/c', 'shared', { dependencies: ['@catalogue/a'] }),
    ],
    broken: ['libs/a depends, in the end, on itself.', 'libs/b depends, in the end, on itself.'],
  },
  {
    packages: [
      one('libs/a', 'shared', { dependencies: ['@catalogue/b'] }),
      one('libs/b', 'shared', { devDependencies: ['@catalogue/a', '@catalogue/c'] }),
      one('tools/c', 'tool', { dependencies: ['@catalogue/a'] }),
    ],
    broken: [],
  },
])('a broken rule is reported as a sentence: $broken', ({ packages: broken, broken: sentences }) => {
  expect(brokenRules(broken)).toEqual(sentences);
});
