// npm run fuzz [-- --examples 200]: schemathesis sends each API what its OpenAPI document allows and forbids. No 5xx, and no
// undocumented answer, may come back.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { buildAll } from './build.ts';
import { System } from './system.ts';

const version = '4.32.5';
const { values } = parseArgs({ options: { examples: { type: 'string', default: '50' } } });
const folder = fileURLToPath(new URL(`../../../.tools/schemathesis-${version}`, import.meta.url));
const config = fileURLToPath(new URL('../schemathesis.toml', import.meta.url));

const scratch = mkdtempSync(join(tmpdir(), 'fuzz-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
await install();
await buildAll();
await using system = await System.start({ withPrices: true, withPromotions: true });
const apis = ['command-api', 'query-api', 'price-history', 'promotions'] as const;
let failed = 0;
for (const name of apis) {
  const url = `${system.services[name].url}/openapi.json`;
  // A fixed seed makes failures reproducible; `--examples` runs more. A product's history stays readable after the product was
  // discontinued, so that check is off.
  const checks = ['--checks', 'all', '--exclude-checks', 'use_after_free'];
  const examples = ['--seed', '1', '--max-examples', values.examples];
  // price-history's answers link to no further request, so sequences of requests would find nothing.
  const phases = name === 'price-history' ? ['--phases', 'examples,coverage,fuzzing'] : [];
  const args = ['--config-file', config, 'run', url, ...checks, ...examples, ...phases];
  console.log(`Fuzzing ${name}`);
  const code = await python('-m', 'schemathesis.cli', ...args, '--no-color');
  if (code !== 0) failed += 1;
}
// One test for each API: .ci/run sums such lines.
console.log(`${apis.length - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** From PyPI into a separate folder; a complete installation gets its name at the end. */
async function install(): Promise<void> {
  if (existsSync(folder)) return;
  console.log(`Installing schemathesis ${version}`);
  const part = `${folder}.${process.pid}`;
  const code = await python('-m', 'pip', 'install', '--quiet', '--target', part, `schemathesis==${version}`);
  if (code !== 0) {
    rmSync(part, { recursive: true, force: true });
    throw new Error('schemathesis could not be installed: fuzzing needs python3 (3.10 or newer) with pip');
  }
  renameSync(part, folder);
}

/** Runs Python and returns its exit code. The servers' output has to be read meanwhile, because a full pipe stops them. */
async function python(...args: string[]): Promise<number | null> {
  const child = spawn('python3', args, {
    // It writes a cache into its working folder.
    cwd: scratch,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PYTHONPATH: folder, PYTHONUNBUFFERED: '1' },
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  // Programs that read CI's log would take a last line between `=` for a pytest run without tests.
  for await (const line of createInterface(child.stdout)) console.log(line.replace(/^=+ (.*) =+$/, '$1'));
  const [code] = await ended;
  return code;
}
