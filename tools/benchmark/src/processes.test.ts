import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type CpuTimes, coresUsed, memoryOf, pidOf } from './processes.ts';

const at = (seconds: number, times: Partial<CpuTimes>): CpuTimes => ({
  at: seconds * 1000,
  idle: 0,
  stolen: 0,
  busy: 0,
  processes: {},
  ...times,
});

test('cores are CPU time over time, and time that no own process used belongs to others', () => {
  const from = at(10, { idle: 5, busy: 100, stolen: 1, processes: { 'command-api': 20, ended: 7 } });
  const to = at(12, { idle: 6, busy: 102.8, stolen: 1.2, processes: { 'command-api': 21.9, kafka: 0.5 } });
  const cores = Object.entries(coresUsed(from, to)).map(([name, used]) => [name, Number(used.toFixed(6))]);
  expect(Object.fromEntries(cores)).toEqual({
    'cores.command-api': 0.95,
    'cores.kafka': 0.25,
    'cores.others': 0.2,
    'cores.stolen': 0.1,
    'cores.idle': 0.5,
  });
});

test.runIf(process.platform === 'linux')('a service is known by its folder, however it is started', async () => {
  const root = mkdtempSync(join(tmpdir(), 'processes-'));
  const folder = join(root, 'apps', 'some-service');
  mkdirSync(join(folder, 'dist'), { recursive: true });
  writeFileSync(join(folder, 'dist', 'main.js'), "console.log('runs'); setInterval(() => {}, 1000);");
  const child = spawn(process.execPath, ['--max-semi-space-size=4', 'dist/main.js'], { cwd: folder });
  try {
    await once(child.stdout, 'data');
    expect(pidOf('some-service')).toBe(child.pid);
    expect(memoryOf('some-service').rss).toBeGreaterThan(1);
    expect(pidOf('another-service')).toBeUndefined();
  } finally {
    child.kill('SIGKILL');
    rmSync(root, { recursive: true, force: true });
  }
});
