import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const apps = ['command-api', 'outbox-relay', 'query-api', 'query-worker'];
const run = promisify(execFile);

/** The commands of release.yml's first job, as they are there; nx is the one of this checkout. */
async function versionJob(): Promise<string[]> {
  const workflow = await readFile(join(root, '.github/workflows/release.yml'), 'utf8');
  const job = workflow.slice(workflow.indexOf('\n  version:\n'), workflow.indexOf('\n  image:\n'));
  const blocks = [...job.matchAll(/^ {6,8}(?:- )?run: (?:\|\n((?: {10}.*\n)+)|(.+)\n)/gm)];
  return blocks.map(([, block = '', line = '']) => (block + line).replace('node tools/bootstrap.mjs ', ''));
}

/** A clone with a remote of its own, to be released from as a workflow does. */
class Clone {
  readonly #folder: string;
  readonly #tree: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.#tree = join(folder, 'tree');
  }

  static async make(): Promise<Clone> {
    const clone = new Clone(await mkdtemp(join(tmpdir(), 'release-')));
    // Without tags: as in a repository that has not been released from yet.
    const origin = join(clone.#folder, 'origin.git');
    await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', origin]);
    // What this runs in may be a shallow clone.
    await run('git', ['config', 'receive.shallowUpdate', 'true'], { cwd: origin });
    await run('git', ['push', '--quiet', origin, 'HEAD:refs/heads/main'], { cwd: root });
    await run('git', ['clone', '--quiet', origin, clone.#tree]);
    await symlink(join(root, 'node_modules'), join(clone.#tree, 'node_modules'));
    return clone;
  }

  async commit(file: string, message: string): Promise<void> {
    await appendFile(join(this.#tree, file), '\n// A line more.\n');
    await this.#git('-c', 'user.name=a', '-c', 'user.email=a@example.org', 'commit', '--quiet', '-am', message);
  }

  /** Runs the job; what it says was released, as `app@version`. */
  async release(version = ''): Promise<string[]> {
    const output = join(this.#folder, 'output');
    await writeFile(output, '');
    const GITHUB_SHA = (await this.#git('rev-parse', 'HEAD')).trim();
    // Nothing of an nx that this may run under, which would take that one's workspace for its own.
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('NX_'));
    const nx = { NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false' };
    const env = { ...Object.fromEntries(own), ...nx, GITHUB_OUTPUT: output, GITHUB_SHA, VERSION: version };
    for (const command of await versionJob()) await run('bash', ['-e', '-c', command], { cwd: this.#tree, env });
    const [, released = ''] = /^released=(.*)$/m.exec(await readFile(output, 'utf8')) ?? [];
    const found = JSON.parse(released) as { app: string; version: string }[];
    return found.map((each) => `${each.app}@${each.version}`).toSorted();
  }

  async checkFormat(): Promise<void> {
    await run('biome', ['format'], { cwd: this.#tree });
  }

  async #git(...args: string[]): Promise<string> {
    return (await run('git', args, { cwd: this.#tree })).stdout;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
  }
}

test('the release workflow versions what changed since a service was last released, and nothing else', async () => {
  await using clone = await Clone.make();
  expect(await clone.release('1.0.0')).toEqual(apps.map((app) => `${app}@1.0.0`));
  expect(await clone.release()).toEqual([]);
  await clone.commit('apps/query-api/src/main.ts', 'feat: shows more');
  expect(await clone.release()).toEqual(['query-api@1.1.0']);
  await clone.commit('libs/contracts/src/price.ts', 'fix: prices');
  const patched = ['command-api@1.0.1', 'outbox-relay@1.0.1', 'query-api@1.1.1', 'query-worker@1.0.1'];
  expect(await clone.release()).toEqual(patched);
  await clone.commit('apps/query-api/src/main.ts', 'Says nothing to who uses it');
  expect(await clone.release()).toEqual([]);
  // What it wrote passes the checks of the next change.
  await clone.checkFormat();
}, 120_000);
