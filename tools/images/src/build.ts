// node build.ts @catalogue/<app>: its image, tagged catalogue/<app>:latest and by its commit; so for @catalogue/issuer. Run by
// `nx run @catalogue/<app>:image`.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findEngine } from './engine.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const app = (process.argv[2] ?? '').replace('@catalogue/', '');
const folder = app === 'issuer' ? 'tools/issuer' : `apps/${app}`;
const prefix = process.env['IMAGE_PREFIX'] ?? 'catalogue';

const engine = await findEngine();
if (typeof engine === 'string') {
  console.error(`The image of ${app} was not built: ${engine}.`);
  process.exit(1);
}
const labelled = describe();
const revision = git('rev-parse', 'HEAD');
const changed = git('status', '--porcelain') === '' ? '' : '-changed';
const name = `${prefix}/${app}`;
const labels = { ...labelled, REVISION: revision + changed };
const { status } = spawnSync(
  engine.docker,
  [
    'build',
    '--file',
    `${folder}/Dockerfile`,
    ...Object.entries(labels).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]),
    ...[`${name}:latest`, `${name}:${revision.slice(0, 12)}${changed}`].flatMap((tag) => ['--tag', tag]),
    // For example --network=host, where the engine's own network reaches no registry.
    ...(process.env['IMAGE_BUILD_OPTIONS'] ?? '').split(' ').filter((option) => option !== ''),
    '.',
  ],
  { cwd: root, env: engine.env, stdio: 'inherit' },
);
process.exitCode = status ?? 1;

function describe(): { SOURCE: string; VERSION: string } {
  const read = (path: string) =>
    JSON.parse(readFileSync(join(root, path), 'utf8')) as { version: string; repository?: string };
  return { SOURCE: read('package.json').repository ?? 'unknown', VERSION: read(`${folder}/package.json`).version };
}

/** Empty where there is no repository, as in a tree that was unpacked. */
function git(...args: string[]): string {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return '';
  }
}
