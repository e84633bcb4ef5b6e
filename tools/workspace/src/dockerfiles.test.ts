import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readPackages } from './packages.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const packages = readPackages();
const apps = packages.filter(({ kind }) => kind === 'apps');

interface Tree {
  children: (folder: string) => string[];
  exists: (path: string) => boolean;
  read: (path: string) => string;
  write: (path: string, content: string) => void;
}
const writeDockerfiles = createRequire(import.meta.url)('../sync/dockerfiles.cjs') as (tree: Tree) => Promise<unknown>;

/** The lines that `nx sync` adds to and takes from Dockerfiles when a package.json of this workspace is another one. */
async function changedBy(file: string, change: (json: string) => string): Promise<string[]> {
  const changed: string[] = [];
  await writeDockerfiles({
    children: (folder) => readdirSync(join(root, folder)),
    exists: (path) => existsSync(join(root, path)),
    read: (path) => (path === file ? change(read(path)) : read(path)),
    write: (path, content) => {
      const [before, after] = [read(path), content].map((text) => new Set(text.split('\n')));
      for (const line of before?.difference(after ?? new Set()) ?? []) changed.push(`${path} - ${line}`);
      for (const line of after?.difference(before ?? new Set()) ?? []) changed.push(`${path} + ${line}`);
    },
  });
  return changed;
}

test('nx sync writes into a Dockerfile the packages that its app depends on, also through others, and no others', async () => {
  const file = 'apps/command-api/package.json';
  expect(await changedBy(file, (json) => json)).toEqual([]);
  const exchanged = (json: string) => json.replace('"@catalogue/event-store"', '"@catalogue/projection-schema"');
  expect(await changedBy(file, exchanged)).toEqual([
    'apps/command-api/Dockerfile - COPY libs/event-store/package.json libs/event-store/',
    'apps/command-api/Dockerfile - COPY libs/event-store/ libs/event-store/',
    'apps/command-api/Dockerfile + COPY libs/projection-schema/package.json libs/projection-schema/',
    'apps/command-api/Dockerfile + COPY libs/projection-schema/ libs/projection-schema/',
  ]);
  const added = (json: string) => json.replace('"dependencies": {', '"dependencies": {\n "@catalogue/registry": "",');
  expect(await changedBy('libs/service/package.json', added)).toContain(
    'apps/command-api/Dockerfile + COPY libs/registry/ libs/registry/',
  );
});

test('nx sync writes the port of the target serve into the image, and refuses one that it cannot read', async () => {
  const file = 'apps/query-worker/package.json';
  expect(await changedBy(file, (json) => json.replace(':-8083', ':-8099'))).toEqual([
    'apps/query-worker/Dockerfile - ENV NODE_ENV=production PORT=8083 MALLOC_ARENA_MAX=1',
    'apps/query-worker/Dockerfile - EXPOSE 8083',
    'apps/query-worker/Dockerfile + ENV NODE_ENV=production PORT=8099 MALLOC_ARENA_MAX=1',
    'apps/query-worker/Dockerfile + EXPOSE 8099',
  ]);
  await expect(changedBy(file, (json) => json.replace(' exec node', ' node'))).rejects.toThrow(
    'apps/query-worker: "serve" is not ',
  );
});

test.each(apps)('$folder uses the same V8 flags in its README and image', ({ folder }) => {
  const [, command = ''] =
    /^CMD \["node", ([^\]]*), "dist\/main\.js"\]$/m.exec(read(`${folder}/Dockerfile`).replaceAll('\\\n', '')) ?? [];
  const flags = [...command.matchAll(/"([^"]+)"/g)].map(([, flag]) => flag).join(' ');
  expect(flags).toMatch(/^--/);
  expect(read(`${folder}/README.md`)).toContain(`\`node ${flags} dist/main.js\``);
});

test('every package asks for the Node of the workspace, and the client for an older one', () => {
  const [, node] = /NODE = '(\d+)\./.exec(read('tools/bootstrap.mjs')) ?? [];
  for (const { folder, name } of packages) {
    const { engines } = JSON.parse(read(`${folder}/package.json`)) as { engines?: object };
    expect([name, engines]).toEqual([name, { node: name === '@catalogue/client' ? '>=20.3' : `>=${node}` }]);
  }
});

test('the image of the issuer has the bases and the pnpm of the services', () => {
  const shared = (folder: string) => read(`${folder}/Dockerfile`).match(/^(ARG \w+_IMAGE=|RUN npm install|USER).*$/gm);
  expect(shared('tools/issuer')).toHaveLength(4);
  expect(shared('tools/issuer')).toEqual(shared('apps/command-api'));
});
