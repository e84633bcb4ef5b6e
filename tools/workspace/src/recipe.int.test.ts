import { execFile, execFileSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { parse } from 'yaml';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const page = readFileSync(join(root, 'docs/how-to/add-a-consumer.md'), 'utf8');

/** A block of code on the page, and the paragraph before it. */
interface Block {
  language: string;
  code: string;
  before: string;
}

const blocks: Block[] = [...page.matchAll(/\n\n([^\n](?:[^\n]|\n(?!\n))*)\n\n```(\w+)\n([^]*?)```/g)].map(
  ([, before = '', language = '', code = '']) => ({ language, code, before }),
);

/** A copy of this working tree with its builds, as after `npm run build`; disposing of it removes it. */
function copyOfCheckout(): { folder: string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'recipe-'));
  const git = (...args: string[]) => execFileSync('git', args, { cwd: root, encoding: 'utf8' });
  // The checks ask git for the files, and for the messages of its commits.
  git('clone', '--quiet', '--shared', '--no-checkout', root, folder);
  git('-C', folder, 'reset', '--quiet');
  const files = git('ls-files', '--cached', '--others', '--exclude-standard').split('\n').filter(Boolean);
  const builds = globSync('{apps,libs}/*/dist', { cwd: root });
  for (const file of [...files, ...builds]) {
    if (existsSync(join(root, file))) cpSync(join(root, file), join(folder, file), { recursive: true });
  }
  symlinkSync(join(root, '.tools'), join(folder, '.tools'));
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Replaces a text that the file has once. */
function replaceOnce(file: string, old: string, by: string): void {
  const text = readFileSync(file, 'utf8');
  expect(text.split(old)).toHaveLength(2);
  writeFileSync(
    file,
    text.replace(old, () => by),
  );
}

interface Compose {
  services: Record<
    string,
    {
      image: string;
      build?: { dockerfile: string };
      networks: string[];
      environment?: Record<string, string>;
      depends_on?: Record<string, unknown>;
    }
  >;
  networks: Record<string, unknown>;
}

/** The services of the page in `docker-compose.yml` lead to nothing that is missing, and their database is created. */
function checkContainers(folder: string): void {
  const text = readFileSync(join(folder, 'docker-compose.yml'), 'utf8');
  const { services, networks } = parse(text, { merge: true }) as Compose;
  const added = Object.entries(services).filter(([, { image }]) => image.includes('price-days'));
  expect(added.map(([name]) => name)).toEqual(['migrate-days-db', 'price-days']);
  const created = services['create-databases']?.environment?.['NAMES']?.split(' ');
  for (const [, service] of added) {
    expect(Object.keys(services)).toEqual(expect.arrayContaining(Object.keys(service.depends_on ?? {})));
    expect(Object.keys(networks)).toEqual(expect.arrayContaining(service.networks));
    expect(existsSync(join(folder, service.build?.dockerfile ?? ''))).toBe(true);
    expect(created).toContain(service.environment?.['PRICE_DAYS_DB_DSN']?.split('/').at(-1));
  }
}

test('the page about a consumer, followed to the letter, gives a service that passes its checks and its test', async () => {
  using copy = copyOfCheckout();
  const shell = async (script: string) => {
    // Nothing of the vitest and the nx that this runs under, which would change how the same programs run within.
    const own = Object.entries(process.env).filter(([name]) => !/^(?:VITEST|TEST$|NODE_ENV$|NX_|CI$)/.test(name));
    const options = { cwd: copy.folder, env: Object.fromEntries(own), maxBuffer: 64 * 1024 * 1024 };
    await promisify(execFile)('bash', ['-e', '-c', script], options).catch((cause: unknown) => {
      const { stdout, stderr } = cause as { stdout: string; stderr: string };
      throw new Error(`The page's commands fail:\n${stdout.slice(-5000)}\n${stderr.slice(-5000)}`, { cause });
    });
  };
  const followed: string[] = [];
  for (const { language, code, before } of blocks) {
    const [, created] = /`(apps\/price-days\/[\w./-]+)`/.exec(before) ?? [];
    const [, list, changed] = /to `(\w+)` in\s+`(tools\/[\w./-]+)`/.exec(before) ?? [];
    const [, names] = /`NAMES` of `create-databases` becomes `([^`]+)`/.exec(before) ?? [];
    if (changed !== undefined)
      replaceOnce(join(copy.folder, changed), `\nconst ${list} = {\n`, `\nconst ${list} = {\n${code}`);
    else if (names !== undefined) {
      const compose = join(copy.folder, 'docker-compose.yml');
      replaceOnce(compose, 'NAMES: catalogue_prices\n', `NAMES: ${names}\n`);
      const added = code.replace(/^services:\n/, '');
      replaceOnce(compose, '\n# The two sides meet', `\n${added}\n# The two sides meet`);
    } else if (created !== undefined) writeFileSync(join(copy.folder, created), code);
    // The last commands need what no test has: a container engine, and a terminal.
    else if (language === 'sh' && !code.includes('localhost')) {
      await shell(code.replaceAll(/^(?:.*:image|npm start)\n/gm, ''));
    } else continue;
    followed.push(changed ?? created ?? (names === undefined ? 'commands' : 'docker-compose.yml'));
  }
  expect(followed).toEqual([
    'commands',
    'apps/price-days/src/settings.ts',
    'apps/price-days/src/model.ts',
    'apps/price-days/src/main.ts',
    'apps/price-days/src/cli.ts',
    'apps/price-days/src/migrate.ts',
    'apps/price-days/migrations/own.sql',
    'commands',
    'apps/price-days/src/model.int.test.ts',
    'tools/local-stack/src/settings.ts',
    'docker-compose.yml',
    'apps/price-days/README.md',
    'commands',
  ]);
  checkContainers(copy.folder);
}, 600_000);
