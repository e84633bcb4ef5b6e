import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { brokenDockerfile } from './dockerfile-rules.ts';
import { readPackages } from './packages.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const packages = readPackages();
const apps = packages.filter(({ kind }) => kind === 'apps');

test.each(apps)('$folder/Dockerfile copies what the app depends on, and nothing else', (app) => {
  expect(brokenDockerfile(app, read(`${app.folder}/Dockerfile`), packages)).toEqual([]);
});

test('each package that a Dockerfile copies needlessly or misses is reported as a sentence', () => {
  const app = apps.find(({ name }) => name === '@catalogue/command-api');
  if (app === undefined) throw new Error('There is no command-api');
  const dockerfile = read('apps/command-api/Dockerfile')
    .replace('COPY libs/contracts/package.json libs/contracts/\n', '')
    .replace('COPY libs/contracts/ libs/contracts/', 'COPY libs/kafka/ libs/kafka/');
  expect(brokenDockerfile(app, dockerfile, packages)).toEqual([
    'apps/command-api/Dockerfile does not copy the package.json of libs/contracts, which it depends on.',
    'apps/command-api/Dockerfile does not copy the source of libs/contracts, which it depends on.',
    'apps/command-api/Dockerfile copies the source of libs/kafka, which it does not depend on.',
  ]);
});

test("the images are built with the workspace's versions of pnpm and Node", () => {
  const [, node] = /NODE = '(\d+)\./.exec(read('tools/bootstrap.mjs')) ?? [];
  const [, pnpm] = /PNPM = '([\d.]+)'/.exec(read('tools/bootstrap.mjs')) ?? [];
  for (const { folder } of apps) {
    const dockerfile = read(`${folder}/Dockerfile`);
    expect(dockerfile).toContain(` pnpm@${pnpm}\n`);
    expect([...dockerfile.matchAll(/^FROM node:(\d+)/gm)].map(([, major]) => major)).toEqual([node, node]);
  }
});

test.each(apps)('$folder uses the same V8 flags in its serve target, README and image', ({ folder }) => {
  const [, command = ''] =
    /^CMD \["node", ([^\]]*), "dist\/main\.js"\]$/m.exec(read(`${folder}/Dockerfile`).replaceAll('\\\n', '')) ?? [];
  const flags = [...command.matchAll(/"([^"]+)"/g)].map(([, flag]) => flag).join(' ');
  expect(flags).toMatch(/^--/);
  expect(read(`${folder}/package.json`)).toContain(` exec node ${flags} --conditions=`);
  expect(read(`${folder}/README.md`)).toContain(`\`node ${flags} dist/main.js\``);
});
