import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from './service-process.ts';

const run = promisify(execFile);

/**
 * The commit of the release in use, as release-in-use.txt says.
 * @throws {Error} when the clone does not have it.
 */
export async function releaseInUse(): Promise<string> {
  const commit = readFileSync(new URL('../release-in-use.txt', import.meta.url), 'utf8').trim();
  try {
    await run('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: root });
  } catch (cause) {
    const message = `This clone does not have the release in use, commit ${commit} (if it is shallow: git fetch --unshallow)`;
    throw new Error(message, { cause });
  }
  return commit;
}

/** Built checkouts of other commits; disposing of them removes them. */
export class Checkouts implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'releases-'));
  readonly #built = new Map<string, Promise<string>>();

  /** The folder of the commit's checkout, with the packages of its lockfile, and its services built. */
  of(commit: string): Promise<string> {
    const known = this.#built.get(commit) ?? this.#build(commit);
    this.#built.set(commit, known);
    return known;
  }

  async #build(commit: string): Promise<string> {
    const folder = join(this.#folder, String(this.#built.size));
    await run('git', ['clone', '--quiet', '--shared', '--no-checkout', root, folder]);
    await run('git', ['checkout', '--quiet', '--detach', commit], { cwd: folder });
    await run('pnpm', ['install', '--frozen-lockfile', '--prefer-offline'], { cwd: folder });
    // Without the variables of an nx that this may run under: its workspace would be used instead.
    const own = Object.entries(process.env).filter(([name]) => !name.startsWith('NX_'));
    const env = { ...Object.fromEntries(own), NX_DAEMON: 'false', NX_ISOLATE_PLUGINS: 'false' };
    const nx = join(folder, 'node_modules', '.bin', 'nx');
    await run(nx, ['run-many', '-t', 'build'], { cwd: folder, env, maxBuffer: 64 * 1024 * 1024 });
    return folder;
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
