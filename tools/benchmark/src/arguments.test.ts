import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readArguments, usage } from './arguments.ts';

const bench = (...typed: string[]) => {
  const program = join(import.meta.dirname, 'bench.ts');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ['--conditions=@catalogue/source', program, ...typed],
    { encoding: 'utf8' },
  );
  return { status, stdout, stderr };
};

test('options are read, with three rounds, or one with --quick', () => {
  expect(readArguments(['--only', 'drain', '--only', 'offered-*'])).toMatchObject({
    only: ['drain', 'offered-*'],
    rounds: 3,
    quick: false,
  });
  expect(readArguments(['--quick'])).toMatchObject({ only: [], rounds: 1 });
  expect(readArguments(['--rounds', '5', '--write'])).toMatchObject({ rounds: 5, write: true });
});

test.each([
  { typed: ['--round', '5'], message: "Unknown option '--round'" },
  { typed: ['drain'], message: "Unexpected argument 'drain'" },
  { typed: ['--only'], message: "Option '--only <value>' argument missing" },
  { typed: ['--rounds', '0'], message: '--rounds must be a positive integer, not "0"' },
  { typed: ['--rounds', 'many'], message: '--rounds must be a positive integer, not "many"' },
  { typed: ['--postgres', '14'], message: 'The version of PostgreSQL must be one of' },
  { typed: ['--write', '--only', 'drain'], message: 'Only a whole run is recorded' },
  { typed: ['--servers', '--postgres', '15'], message: 'omit --postgres' },
])('$typed are refused: $message', ({ typed, message }) => {
  expect(() => readArguments(typed)).toThrow(message);
});

test('--help prints the usage, which names every option', () => {
  expect(bench('--help')).toEqual({ status: 0, stdout: `${usage}\n`, stderr: '' });
});

test.each([
  { typed: ['--round', '5'], message: "Unknown option '--round'" },
  { typed: ['--only', 'nothing'], message: 'There is no scenario "nothing"' },
])('wrong options end the command with 2, the reason and the usage, without a stack trace: $typed', (run) => {
  const { status, stdout, stderr } = bench(...run.typed);
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toMatch(new RegExp(`^bench: ${RegExp.escape(run.message)}`));
  expect(stderr.endsWith(`${usage}\n`)).toBe(true);
  expect(stderr).not.toContain('    at ');
});
