import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lastLine } from './last-line.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
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

/** Runs .ci/run with an npm that runs these commands, by its arguments; other arguments do nothing. nx names `projects`. */
function run(commands: Record<string, string>, projects?: string[]) {
  const cases = Object.entries(commands).map(([args, command]) => `"${args}") ${command};;`);
  replace('npm', `echo "npm $*"; case "$*" in ${cases.join(' ')} esac`);
  replace('node', (projects ?? []).map((name) => `echo @catalogue/${name}`).join('\n'));
  const PATH = `${folder}${delimiter}${process.env['PATH'] ?? ''}`;
  const env = { ...process.env, PATH, ENGINE_STARTER: join(folder, 'none') };
  const args = [join(root, '.ci/run'), ...(projects ? ['affected'] : [])];
  const { status, stdout } = spawnSync('bash', args, { env, encoding: 'utf8' });
  const lines = stdout.trimEnd().split('\n');
  const ran = lines.filter((line) => line.startsWith('npm ')).map((line) => line.slice('npm '.length));
  return { status, lines, ran, last: lines.at(-1) };
}

const steps = ['run check', 'run audit', 'run build', 'run sbom', 'run fuzz', 'run test:compose', 'test'];

test.each([
  { passed: 1118, failed: 0, skipped: 0 },
  { passed: 1117, failed: 1, skipped: 0 },
  { passed: 1117, failed: 0, skipped: 2 },
])('the last line of .ci/run sums the tests of all runners: %o', (results) => {
  const { status, lines, ran, last } = run({
    'run fuzz': `echo '2 passed, 0 failed'`,
    'run test:compose': `echo '${lastLine({ passed: 20, failed: 0, skipped: 1 })}'`,
    test: `echo ' Tests  3 passed (3)'; echo '${lastLine(results)}'; exit ${results.failed}`,
  });
  expect(last).toBe(lastLine({ ...results, passed: results.passed + 22, skipped: results.skipped + 1 }));
  expect(last).toMatch(/^\d+ passed, \d+ failed(, \d+ skipped)?$/);
  expect(status).toBe(results.failed);
  expect(ran).toEqual(steps);
  expect(lines.filter((each) => each.startsWith('='))).toEqual([]);
  expect(lines).toContain('--- Tests');
});

test('a step that fails before the tests counts as one failure', () => {
  expect(run({ 'run check': 'exit 3' })).toMatchObject({ status: 3, last: '0 passed, 1 failed' });
});

test('tests that do not reach their last line count as one failure', () => {
  expect(run({ test: 'exit 9' })).toMatchObject({ status: 9, last: '0 passed, 1 failed' });
});

test('containers that cannot be tested fail the run, after the other tests', () => {
  const { status, lines, last } = run({ 'run test:compose': 'exit 69', test: `echo '5 passed, 0 failed'` });
  expect({ status, last }).toEqual({ status: 69, last: '5 passed, 1 failed' });
  expect(lines).toContain('!!! The containers were NOT TESTED (see above for why), so this run fails.');
});

test('a failed test of the containers fails the run, after the other tests', () => {
  const containers = `echo '20 passed, 1 failed'; exit 1`;
  expect(run({ 'run test:compose': containers, test: `echo '5 passed, 0 failed'` })).toMatchObject({
    status: 1,
    last: '25 passed, 1 failed',
  });
});

test('the workflow runs these steps, and tests the projects that a change affects', () => {
  const workflow = readFileSync(join(root, '.github/workflows/ci.yml'), 'utf8');
  expect(workflow.match(/- run: .*$/gm)).toEqual([
    '- run: .ci/run affected',
    expect.stringMatching(/pnpm audit --prod/),
  ]);
  expect(run({}, ['query-api', 'acceptance']).ran).toEqual([...steps.slice(0, -1), 'test -- /query-api/ /acceptance/']);
  expect(run({}, ['workspace']).ran).toEqual([...steps.slice(0, 4), 'test -- /workspace/']);
  // Without a test among them there is none to run, and none that is missing.
  expect(run({}, ['projection-schema'])).toMatchObject({ status: 0, ran: steps.slice(0, 4) });
  expect(run({}, ['projection-schema', 'workspace']).ran).toEqual([...steps.slice(0, 4), 'test -- /workspace/']);
  expect(run({}, [])).toMatchObject({ status: 0, ran: ['run check', 'run audit'], last: '0 passed, 0 failed' });
});
