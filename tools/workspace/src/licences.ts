import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Licences that ask for no more than their text, by their names of SPDX. */
const permissive = [
  '0BSD',
  'Apache-2.0',
  'BlueOak-1.0.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'ISC',
  'MIT',
  'Python-2.0',
  'Unlicense',
];
/** Under the MPL-2.0, which covers changes in their own files. They run in development only, and are used unchanged. */
const ofDevelopment = /^(axe-core|lightningcss(-[\w-]+)?)$/;

/** A package.json, as far as its licence is concerned. */
export interface Licensed {
  name?: string;
  version?: string;
  license?: unknown;
}

/** Why a package may not be installed; undefined if it may. */
export function licenceFault({ name = 'a package', version = '', license }: Licensed): string | undefined {
  if (typeof license !== 'string' || license === '') return `${name}@${version} names no licence`;
  // Whoever may choose needs one of them; "A AND B" and "A WITH B" have to be looked at.
  const choices = license.replace(/^\((.*)\)$/, '$1').split(' OR ');
  if (choices.some((choice) => permissive.includes(choice))) return undefined;
  if (license === 'MPL-2.0' && ofDevelopment.test(name)) return undefined;
  return `${name}@${version} has the licence ${license}, which is not allowed`;
}

/** What is installed in a workspace, for any platform and at any depth. */
export function installedPackages(root: string): Licensed[] {
  const files = globSync('node_modules/.pnpm/*/node_modules/{*,@*/*}/package.json', { cwd: root });
  return files.map((file) => JSON.parse(readFileSync(join(root, file), 'utf8')) as Licensed);
}
