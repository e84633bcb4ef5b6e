import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A package of this workspace, by its package.json. */
export interface Package {
  name: string;
  /** From the root, for example `libs/kafka`. */
  folder: string;
  kind: 'apps' | 'libs' | 'tools';
  /** `write`, `read`, `process`, `shared` or `tool`: the tag `side:…`. */
  side: string | undefined;
  targets: string[];
  dependencies: string[];
  devDependencies: string[];
}

interface PackageJson {
  name: string;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
  nx?: { tags?: string[]; targets?: Record<string, unknown> };
}

export function readPackages(): Package[] {
  return globSync('{apps,libs,tools}/*/package.json', { cwd: root }).map((file) => {
    const json = JSON.parse(readFileSync(join(root, file), 'utf8')) as PackageJson;
    const folder = dirname(file);
    return {
      name: json.name,
      folder,
      kind: folder.split('/')[0] as Package['kind'],
      side: json.nx?.tags?.find((tag) => tag.startsWith('side:'))?.slice('side:'.length),
      targets: Object.keys(json.nx?.targets ?? {}),
      dependencies: Object.keys(json.dependencies ?? {}),
      devDependencies: Object.keys(json.devDependencies ?? {}),
    };
  });
}

/** The packages that a package's source imports (`@scope/name` or `name`, without a path within it), by file. */
export function readImports(folder: string): { file: string; imported: string }[] {
  return readSpecifiers(folder)
    .map(({ file, specifier }) => ({ file, imported: /^(?:@[\w.-]+\/)?[\w.-]+/.exec(specifier)?.[0] ?? '' }))
    .filter(({ imported }) => /^[@\w]/.test(imported));
}

/**
 * The rooms of a package's source with the rooms that each imports. A folder below `src` or `browser` is a room. Each file
 * beside these folders is one, too, because entry points and shared files are both there. Tests do not count.
 */
export function readRooms(folder: string): Map<string, Set<string>> {
  const roomOf = (file: string) => (relative(folder, file).split('/').length === 2 ? file : dirname(file));
  const rooms = new Map<string, Set<string>>();
  for (const { file, specifier } of readSpecifiers(folder)) {
    if (!specifier.startsWith('.') || file.endsWith('.test.ts')) continue;
    const [from, to] = [roomOf(file), roomOf(join(dirname(file), specifier))];
    if (from !== to) rooms.set(from, (rooms.get(from) ?? new Set()).add(to));
  }
  return rooms;
}

function readSpecifiers(folder: string): { file: string; specifier: string }[] {
  return globSync(`${folder}/{src,browser}/**/*.ts`, { cwd: root }).flatMap((file) => {
    const source = readFileSync(join(root, file), 'utf8');
    const found = source.matchAll(/\b(?:from|import) ?\(?'([^'\n]+)'/g);
    return [...found].map(([, specifier = '']) => ({ file, specifier }));
  });
}
