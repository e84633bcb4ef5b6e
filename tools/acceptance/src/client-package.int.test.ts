import { execFile } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { brotliCompressSync } from 'node:zlib';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser } from './browser.ts';
import { System } from './system.ts';

// What somebody meets who installs the client's tarball into an empty project, and has nothing else of ours.

const library = fileURLToPath(new URL('../../../libs/client', import.meta.url));
const run = promisify(execFile);
const folder = mkdtempSync(join(tmpdir(), 'client-user-'));
let system: System;

beforeAll(async () => {
  system = await System.start();
  await run('pnpm', ['pack', '--pack-destination', folder], { cwd: library });
  writeFileSync(join(folder, 'package.json'), '{ "name": "user", "version": "1.0.0", "type": "module" }');
  const [tarball = 'none'] = globSync('*.tgz', { cwd: folder });
  await run('npm', ['install', '--offline', '--no-audit', '--no-fund', `./${tarball}`], { cwd: folder });
});
afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

/** The first TypeScript of the README, at the addresses of the system under test. */
function example(): string {
  const [, code = ''] = /```ts\n(.*?)```/s.exec(readFileSync(join(library, 'README.md'), 'utf8')) ?? [];
  const { 'command-api': commandApi, 'query-api': queryApi } = system.services;
  return code.replace('http://localhost:8080', commandApi.url).replace('http://localhost:8081', queryApi.url);
}

const printed = [
  'Mouse ergonomico',
  'Somebody was faster',
  'Mouse ergonomico 34.5',
  '2 ProductUpdated { price: 34.5 }',
  "1 ProductCreated { name: 'Mouse ergonomico', price: 39.9 }",
];

test('the README’s example runs in Node as it is', async () => {
  writeFileSync(join(folder, 'example.ts'), example());
  const { stdout } = await run(process.execPath, ['example.ts'], { cwd: folder });
  expect(stdout.trim().split('\n')).toEqual(printed);
});

test.each([
  ['a browser’s', { lib: ['es2024', 'dom', 'dom.iterable'], types: [] }],
  ['a bundler’s', { lib: ['es2024', 'dom', 'dom.iterable'], types: [], module: 'esnext', moduleResolution: 'bundler' }],
])('its types work in %s project and reject wrong calls', async (_, options) => {
  const compilerOptions = { strict: true, noEmit: true, target: 'es2024', module: 'nodenext', ...options };
  writeFileSync(join(folder, 'example.ts'), example());
  writeFileSync(
    join(folder, 'wrong.ts'),
    `import { Catalogue } from '@catalogue/client';
const catalogue = new Catalogue({ commands: '', queries: '' });
// @ts-expect-error A price is a number.
await catalogue.create({ name: 'Mouse', price: '39.90' });
// @ts-expect-error There is no such order.
catalogue.list({ sort: 'colour' });
for await (const event of catalogue.stream()) {
  // @ts-expect-error A reset has no product.
  event.product;
}
`,
  );
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['example.ts', 'wrong.ts'] }));
  const { stdout } = await run('tsc', ['-p', folder]).catch((error: unknown) => error as { stdout: string });
  expect(stdout).toBe('');
});

test("the bundled client is small, and runs in a browser at another origin than command-api's", async () => {
  writeFileSync(join(folder, 'example.ts'), `${example()}\nconsole.log('done');`);
  const options = { bundle: true, minify: true, write: false, format: 'esm', platform: 'browser' } as const;
  const { outputFiles } = await build({ ...options, entryPoints: [join(folder, 'example.ts')], absWorkingDir: folder });
  const code = outputFiles[0]?.text ?? '';
  expect(brotliCompressSync(code).length).toBeLessThan(5_000);

  await using browser = await openBrowser();
  // The document stands for another team's page, which has no Content-Security-Policy of ours.
  const page = await browser.newPage({ bypassCSP: true });
  const lines: string[] = [];
  const done = page.waitForEvent('console', (message) => {
    if (message.type() === 'log') lines.push(message.text());
    return message.text() === 'done';
  });
  const failed = page.waitForEvent('pageerror').then((error) => Promise.reject(error));
  // Any document of query-api's own: its origin is the one that command-api lets in.
  await page.goto(`${system.services['query-api'].url}/health/live`);
  await page.addScriptTag({ content: code, type: 'module' });
  await Promise.race([done, failed]);
  expect(lines.slice(0, 3)).toEqual(printed.slice(0, 3));
});
