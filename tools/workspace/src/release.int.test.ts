import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { readPackages } from './packages.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const apps = readPackages()
  .filter(({ kind }) => kind === 'apps')
  .map(({ folder }) => folder.replace('apps/', ''));
const run = promisify(execFile);

/** The commands of a job of release.yml, as they are there; tools are those of this checkout. */
async function commandsOf(job: string): Promise<string[]> {
  const workflow = await readFile(join(root, '.github/workflows/release.yml'), 'utf8');
  const [, body = ''] = new RegExp(`\\n  ${job}:\\n(.*?)(?=\\n  \\w+:\\n|$)`, 's').exec(workflow) ?? [];
  const blocks = [...body.matchAll(/^ {6,8}(?:- )?run: (?:\|\n((?: {10}.*\n)+)|(.+)\n)/gm)];
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

  /** Runs the job `version`; what it says was released, as `app@version`. */
  async release(version = ''): Promise<string[]> {
    const output = join(this.#folder, 'output');
    await writeFile(output, '');
    const GITHUB_SHA = (await this.#git('rev-parse', 'HEAD')).trim();
    await this.#run(await commandsOf('version'), { GITHUB_OUTPUT: output, GITHUB_SHA, VERSION: version });
    const outputs = new Map(
      (await readFile(output, 'utf8')).split('\n').map((line) => line.split('=') as [string, string]),
    );
    const images = JSON.parse(outputs.get('images') ?? '') as { app: string; version: string }[];
    const client = outputs.get('client');
    return [...images.map((each) => `${each.app}@${each.version}`), ...(client ? [`client@${client}`] : [])].toSorted();
  }

  /** Runs the job `client` up to its last command, which publishes; the files of the package and its package.json. */
  async packClient(): Promise<{ files: string[]; manifest: unknown }> {
    const commands = await commandsOf('client');
    if (!/^npx --yes npm@\S+ publish /.test(commands.pop() ?? '')) throw new Error('The last command does not publish');
    const repository = { GITHUB_SERVER_URL: 'https://github.com', GITHUB_REPOSITORY: 'someone/catalogue' };
    await this.#run(commands, { RUNNER_TEMP: this.#folder, ...repository });
    await run('bash', ['-c', 'tar -xzf catalogue-client-*.tgz'], { cwd: this.#folder });
    const content = join(this.#folder, 'package');
    return {
      files: await readdir(content),
      manifest: JSON.parse(await readFile(join(content, 'package.json'), 'utf8')),
    };
  }

  async #run(commands: string[], variables: Record<string, string>): Promise<void> {
    // Nothing of an nx that this may run under, which would take that one's workspace for its own.
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('NX_'));
    const nx = { NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false' };
    const env = { ...Object.fromEntries(own), ...nx, ...variables };
    for (const command of commands) await run('bash', ['-e', '-c', command], { cwd: this.#tree, env });
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

test('a release versions what changed since the last one, and packs the client', async () => {
  await using clone = await Clone.make();
  expect(await clone.release('1.0.0')).toEqual(['client', ...apps].map((name) => `${name}@1.0.0`).toSorted());
  expect(await clone.release()).toEqual([]);
  await clone.commit('apps/query-api/src/main.ts', 'feat: shows more');
  expect(await clone.release()).toEqual(['query-api@1.1.0']);
  await clone.commit('libs/contracts/src/price.ts', 'fix: prices');
  const patched = apps.map((name) => (name === 'query-api' ? 'query-api@1.1.1' : `${name}@1.0.1`)).toSorted();
  expect(await clone.release()).toEqual(patched);
  await clone.commit('apps/query-api/src/main.ts', 'chore: change nothing that a user notices');
  expect(await clone.release()).toEqual([]);
  await clone.commit('libs/client/src/problem.ts', 'feat(client): one refusal more');
  const released = await clone.release();
  expect(released).toContain('client@1.1.0');
  expect(await clone.packClient()).toEqual({
    files: expect.arrayContaining(['CHANGELOG.md', 'LICENSE', 'README.md', 'dist', 'package.json']),
    manifest: expect.objectContaining({
      version: '1.1.0',
      exports: { '.': { types: './dist/index.d.ts', default: './dist/index.js' } },
      repository: expect.objectContaining({ url: 'git+https://github.com/someone/catalogue.git' }),
    }),
  });
  // What it wrote passes the checks of the next change.
  await clone.checkFormat();
}, 180_000);
