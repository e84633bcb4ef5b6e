// node tools/install.mjs <stamp> <content>: pnpm install, one at a time in a checkout, then the stamp that says so.
// Started by bootstrap.mjs, on Node 24.
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const [stamp, content] = process.argv.slice(2);
const root = fileURLToPath(new URL('..', import.meta.url));
const started = Date.now();
let stopped = false;
const seconds = () => Math.round((Date.now() - started) / 1000);

await lock(join(root, '.tools', 'install.lock'));
// The shell that was waited for may have done it.
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== content) {
  console.log('Installing the packages (a minute or two if the Kafka client has to be compiled)');
  if (!canCompileIn(root)) await compileElsewhere();
  await install(root);
  writeFileSync(stamp, content);
  console.log(`Installed the packages in ${seconds()} s`);
}

/** Held until this process ends, however it ends: SQLite's lock is the system's, so there is no stale one. */
async function lock(path) {
  const database = new DatabaseSync(path);
  for (let tries = 0; ; tries++) {
    try {
      database.exec('pragma journal_mode = memory; begin exclusive');
      return;
    } catch (error) {
      if (error.errcode !== 5) throw error; // SQLITE_BUSY
      if (tries === 0) console.log('Waiting for another shell that is installing the packages');
      await delay(200);
    }
  }
}

/** make and the configure script of the Kafka client's C library break at a space, and at what a shell would read. */
function canCompileIn(folder) {
  return /^[\w@%+=:,./-]+$/.test(folder);
}

/** Compiles the Kafka client in a copy of the checkout on a plainer path: from pnpm's store it is then taken as it is. */
async function compileElsewhere() {
  const parent = canCompileIn(tmpdir()) ? tmpdir() : '/tmp';
  const copy = mkdtempSync(join(parent, 'catalogue-install-'));
  process.on('exit', () => rmSync(copy, { recursive: true, force: true }));
  const leftOut = new Set(['node_modules', '.git', '.tools', '.data', '.nx', 'dist']);
  cpSync(root, copy, { recursive: true, filter: (source) => source === root || !leftOut.has(basename(source)) });
  symlinkSync(process.env.npm_config_nodedir, join(copy, 'node'));
  // Named, because by itself pnpm chooses a store by the file system that the folder is on.
  const { stdout } = spawnSync('pnpm', ['store', 'path'], { cwd: root, encoding: 'utf8' });
  const store = dirname(stdout.trim());
  await install(copy, ['--filter', '@catalogue/kafka', '--store-dir', store], {
    npm_config_nodedir: join(copy, 'node'),
  });
}

async function install(folder, options = [], variables = {}) {
  const { code, output } = await pnpm(['install', '--frozen-lockfile', '--reporter=append-only', ...options], {
    cwd: folder,
    env: { ...process.env, ...variables },
  });
  if (code === 0) return;
  if (stopped) process.exit(1);
  console.error(whatWasSaid(output));
  console.error(`bootstrap: pnpm install failed after ${seconds()} s: ${reason(output)}`);
  process.exit(1);
}

/** Runs pnpm in a process group of its own, so that what it compiles ends with it. */
function pnpm(args, options) {
  const child = spawn('pnpm', args, { ...options, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const end = () => {
    stopped = true;
    process.kill(-child.pid, 'SIGTERM');
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, end);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const clock = setInterval(() => console.log(`${stage(output)} (${seconds()} s)`), 15_000);
  return new Promise((resolve) => {
    child.on('error', (error) => resolve({ code: 1, output: error.message }));
    child.on('close', (code) => {
      clearInterval(clock);
      for (const signal of signals) process.off(signal, end);
      resolve({ code, output });
    });
  });
}

/** The last lines; when a compiler failed those around its error, for pages about the surroundings follow them. */
function whatWasSaid(output) {
  const lines = output.trimEnd().split('\n');
  const failed = lines.findIndex((line) => line.includes('gyp ERR!'));
  const end = failed === -1 ? lines.length : failed + 2;
  return lines.slice(Math.max(0, end - 30), end).join('\n');
}

function stage(output) {
  return isCompiling(output) ? 'Still compiling the Kafka client' : 'Still downloading packages';
}

function isCompiling(output) {
  return /kafka-javascript install: gyp info/.test(output);
}

/** Why it failed, in one line, when that is known. */
function reason(output) {
  if (!isCompiling(output)) return 'see above';
  const compiler = 'g++';
  const missing = [compiler, 'make', 'python3'].filter((tool) => spawnSync(tool, ['--version']).status !== 0);
  for (const [header, part] of Object.entries({ 'openssl/ssl.h': 'libssl-dev', 'zlib.h': 'zlib1g-dev' })) {
    const { status } = spawnSync(compiler, ['-E', '-x', 'c++', '-'], { input: `#include <${header}>\n` });
    if (status !== 0) missing.push(part);
  }
  if (missing.length === 0) return 'the Kafka client could not be compiled, see above';
  return `the Kafka client has to be compiled here, and there is no ${missing.join(', ')}: apt-get install g++ make python3 libssl-dev zlib1g-dev`;
}
