import { globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A package of this workspace, as its package.json describes it. */
export interface Package {
  name: string;
  /** From the root, for example `libs/kafka`. */
  folder: string;
  kind: 'apps' | 'libs' | 'tools';
  /** `write`, `read`, `shared` or `tool`: the tag `side:…`. */
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
  return globSync(`${folder}/src/**/*.ts`, { cwd: root }).flatMap((file) => {
    const source = readFileSync(join(root, file), 'utf8');
    const specifiers = source.matchAll(/\b(?:from|import) ?\(?'((?:@[\w.-]+\/)?[\w.-]+)(?:\/[^'\n]*)?'/g);
    return [...specifiers].map(([, imported = '']) => ({ file, imported }));
  });
}
