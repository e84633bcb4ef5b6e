import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/** A variable of the environment; without it the process ends, and says which one is missing. */
export function setting(variable: string, example: string): string {
  const value = process.env[variable]?.trim() ?? '';
  if (value !== '') return value;
  console.error(`${variable} is missing, for example ${variable}=${example}`);
  process.exit(78);
}

/** The text of a file, without white space around it. */
export function read(file: string): string {
  return readFileSync(file, 'utf8').trim();
}

/** The text of a file that only its owner may read; made by `make` if there is none. */
export function kept(file: string, make: () => string): string {
  if (!existsSync(file)) replace(file, `${make()}\n`, 0o600);
  return read(file);
}

/** Writes a file completely or not at all. */
export function replace(file: string, text: string, mode: number, owner?: Owner): void {
  mkdirSync(dirname(file), { recursive: true });
  const part = `${file}.part`;
  rmSync(part, { force: true });
  writeFileSync(part, text, { mode: 0o600, flag: 'wx' });
  // Before the owner changes: then only the right CHOWN is needed.
  chmodSync(part, mode);
  if (owner !== undefined) chownSync(part, owner.uid, owner.gid);
  renameSync(part, file);
}

export interface Owner {
  uid: number;
  gid: number;
}
