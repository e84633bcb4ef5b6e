import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** The programs that a person starts with arguments. */
const programs = globSync('apps/*/src/{cli,load-prices,migrate,republish}.ts', { cwd: root }).toSorted();

/** Runs a program without settings: it would end with 78 if it asked for one before it has read its arguments. */
function run(program: string, args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--conditions=@catalogue/source', program, ...args], {
    cwd: root,
    env: { PATH: process.env['PATH'] },
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

const id = '01a229da-1f80-7406-b635-6b4ea4d57cea';

test.each([
  ...programs.map((program): [string, string[]] => [program, ['some', 'more']]),
  ['apps/promotions/src/cli.ts', ['list', '--json']],
  ['apps/promotions/src/cli.ts', ['cancel']],
  ['apps/promotions/src/cli.ts', ['cancel', id, id]],
  ['apps/promotions/src/cli.ts', ['cancel', id, '--dry-run']],
  ['apps/promotions/src/cli.ts', ['cancel', 'black-friday']],
])('%s %j does nothing, says why, and ends with 2', (program, args) => {
  expect(run(program, args)).toEqual({ status: 2, stdout: '', stderr: expect.stringMatching(/\w/) });
});

test.each([
  ...programs.map((program): [string, string[]] => [program, ['--help']]),
  ['apps/promotions/src/cli.ts', ['cancel', id, '--help']],
])('%s %j only prints the help', (program, args) => {
  expect(run(program, args)).toEqual({ status: 0, stdout: expect.stringMatching(/Usage: |Promotions:/), stderr: '' });
});
