import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { readPackages } from './packages.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const apps = readPackages()
  .filter(({ kind }) => kind === 'apps')
  .map(({ folder }) => folder.replace('apps/', ''));
/** They start the services, so a change in any of them is theirs, too. */
const systemTests = ['acceptance', 'benchmark'];

/** What CI builds and tests for a change in this file, without the scope of the names. */
async function affectedBy(file: string): Promise<string[]> {
  const env = { ...process.env, NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false' };
  const args = ['show', 'projects', '--affected', `--files=${file}`, '--json'];
  const { stdout } = await promisify(execFile)('nx', args, { cwd: root, env });
  return (JSON.parse(stdout) as string[]).map((name) => name.replace('@catalogue/', '')).toSorted();
}

test('a change in one service affects that service and its tests only', { timeout: 60_000 }, async () => {
  // The workspace's own tests check the patterns of every source file.
  for (const app of apps)
    expect(await affectedBy(`apps/${app}/src/main.ts`)).toEqual([app, ...systemTests, 'workspace'].toSorted());
});

test('a change in the contracts affects every service', { timeout: 60_000 }, async () => {
  expect(await affectedBy('libs/contracts/src/product-events.ts')).toEqual(expect.arrayContaining(apps));
});

test('a change in the read model’s schema affects the side that reads', { timeout: 60_000 }, async () => {
  const affected = await affectedBy('libs/read-schema/src/product-tables.ts');
  expect(affected).toEqual(expect.arrayContaining(['query-api', 'query-worker']));
  expect(affected).not.toContain('command-api');
  expect(affected).not.toContain('outbox-relay');
});

test('a change in the files that build, test or release affects their tests', { timeout: 60_000 }, async () => {
  for (const file of ['docker-compose.yml', '.dockerignore']) expect(await affectedBy(file)).toEqual(systemTests);
  for (const file of ['.github/workflows/release.yml', '.github/workflows/ci.yml', '.ci/run', 'tools/bootstrap.mjs'])
    expect(await affectedBy(file)).toEqual(['workspace']);
});

test('a change in the documents affects no project', { timeout: 60_000 }, async () => {
  expect(await affectedBy('docs/README.md')).toEqual([]);
});
