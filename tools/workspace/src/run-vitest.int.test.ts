import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { runVitest } from './run-vitest.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'run-vitest-'));
  // What tells vitest that it runs already would change how it runs within.
  for (const name of Object.keys(process.env)) if (/^(VITEST|TEST$)/.test(name)) vi.stubEnv(name, undefined);
  vi.spyOn(console, 'error').mockImplementation(() => undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

/** Runs vitest on these files, by name. */
const run = (files: Record<string, string>, ...args: string[]) => {
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return runVitest(['--root', folder, '--globals', ...args], 'ignore');
};

const passing = `test('passes', () => {});`;

describe('the results', () => {
  test('are those of the tests', async () => {
    const other = `test('fails', () => { throw new Error(); }); test.skip('is skipped', () => {});`;
    expect(await run({ 'a.test.js': passing, 'b.test.js': other })).toEqual({ passed: 1, failed: 1, skipped: 1 });
    expect(await run({}, '-t', 'passes')).toEqual({ passed: 1, failed: 0, skipped: 2 });
  });

  test.each([
    ['a file that cannot be loaded', { 'b.test.js': `throw new Error();` }],
    ['a hook that fails', { 'b.test.js': `beforeAll(() => { throw new Error(); }); describe('a', () => {});` }],
    ['an error nobody waits for', { 'b.test.js': `void Promise.reject(new Error()); ${passing}` }],
    ['a test whose process dies', { 'b.test.js': `test('dies', () => process.kill(process.pid, 'SIGKILL'));` }],
    ['a teardown that fails', setup(`export const teardown = () => { throw new Error(); };`)],
  ])('count %s as a failure', async (_, files) => {
    const results = await run({ 'a.test.js': passing, ...files });
    expect(results.passed).toBeGreaterThan(0);
    expect(results.failed).toBeGreaterThan(0);
  });

  test.each([
    ['a setup that fails', { 'a.test.js': passing, ...setup(`export default () => { throw new Error(); };`) }],
    ['no test file', {}],
    ['no test that is not skipped', { 'a.test.js': `test.skip('is skipped', () => {});` }],
  ])('are a failure with %s', async (_, files) => {
    expect(await run(files)).toMatchObject({ passed: 0, failed: 1 });
    expect(console.error).toHaveBeenCalledWith('No test ran, see above.');
  });
});

function setup(code: string): Record<string, string> {
  return { 'vitest.config.mjs': `export default { test: { globalSetup: 'setup.mjs' } };`, 'setup.mjs': code };
}
