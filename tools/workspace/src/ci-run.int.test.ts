import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lastLine } from './last-line.ts';

const program = fileURLToPath(new URL('../../../.ci/run', import.meta.url));
const prerequisites = ['mvn', 'g++', 'make', 'python3', 'chromium', 'apt-get'];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ci-run-'));
  for (const name of prerequisites) replace(name, 'exit 0');
  replace('java', `echo 'openjdk version "21.0.1"' >&2`);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Puts a program of this name before the real one. */
function replace(name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

/** Runs .ci/run with an npm that runs these commands, by its arguments; the others do nothing. */
function run(commands: Record<string, string>) {
  const cases = Object.entries(commands).map(([args, command]) => `"${args}") ${command};;`);
  replace('npm', `case "$*" in ${cases.join(' ')} esac`);
  const env = { ...process.env, PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}` };
  const { status, stdout } = spawnSync('bash', [program], { env, encoding: 'utf8' });
  const lines = stdout.trimEnd().split('\n');
  return { status, lines, last: lines.at(-1) };
}

test.each([
  { passed: 1118, failed: 0, skipped: 0 },
  { passed: 1117, failed: 1, skipped: 0 },
  { passed: 1117, failed: 0, skipped: 2 },
])('the last line of .ci/run is that of the tests: %o', (results) => {
  const line = lastLine(results);
  const { status, lines, last } = run({ test: `echo ' Tests  3 passed (3)'; echo '${line}'; exit ${results.failed}` });
  expect(last).toBe(line);
  expect(last).toMatch(/^\d+ passed, \d+ failed(, \d+ skipped)?$/);
  expect(status).toBe(results.failed);
  expect(lines.filter((each) => each.startsWith('='))).toEqual([]);
  expect(lines).toContain('--- Tests');
});

test('a step that fails before the tests counts as one failure', () => {
  expect(run({ 'run check': 'exit 3' })).toMatchObject({ status: 3, last: '0 passed, 1 failed' });
});

test('tests that do not get to their last line count as one failure', () => {
  expect(run({ test: 'exit 9' })).toMatchObject({ status: 9, last: '0 passed, 1 failed' });
});
