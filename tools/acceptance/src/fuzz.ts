// npm run fuzz [-- --examples 200]: what an API’s own document allows and forbids, sent to it by schemathesis: no 5xx, no
// answer that the document does not know.
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
await using system = await System.start();
let failed = 0;
for (const name of ['command-api', 'query-api'] as const) {
  const url = `${system.services[name].url}/openapi.json`;
  // One seed, so that a failure is the same on every machine; `--examples` more of them for a deeper look.
  // A product's history can be read for ever, also after the product was discontinued: so no check for that.
  const checks = ['--checks', 'all', '--exclude-checks', 'use_after_free'];
  const examples = ['--seed', '1', '--max-examples', values.examples];
  const args = ['--config-file', config, 'run', url, ...checks, ...examples];
  console.log(`Fuzzing ${name}`);
  const code = await python('-m', 'schemathesis.cli', ...args, '--no-color');
  if (code !== 0) failed += 1;
}
// One test for each API: .ci/run adds up such lines.
console.log(`${2 - failed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;

/** From PyPI into a folder of its own; made under another name first, so that half an installation is never used. */
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

/** Runs Python to its end and returns its exit code. Beside it, the output of the servers has to be read on: a full pipe stops them. */
async function python(...args: string[]): Promise<number | null> {
  const child = spawn('python3', args, {
    // It writes a cache where it runs.
    cwd: scratch,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, PYTHONPATH: folder, PYTHONUNBUFFERED: '1' },
  });
  const ended = once(child, 'exit') as Promise<[number | null]>;
  // A rule of `=` around its last line would make that the end of a pytest run without a test, for programs that read CI's log.
  for await (const line of createInterface(child.stdout)) console.log(line.replace(/^=+ (.*) =+$/, '$1'));
  const [code] = await ended;
  return code;
}
