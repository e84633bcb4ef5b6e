import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryHome } from './home.ts';
import { LockHeld, takeLock, waitForLock } from './lock.ts';

function lockPath(): string {
  const home = temporaryHome();
  onTestFinished(home.remove);
  return join(home.path, 'some.lock');
}

/** Another process that runs `body` with this module's functions and the path at hand. */
function another(path: string, body: string) {
  const imports = `const { takeLock, waitForLock } = await import(${JSON.stringify(new URL('lock.ts', import.meta.url).href)});`;
  const program = `${imports} const path = ${JSON.stringify(path)}; ${body}`;
  const args = ['--input-type=module-typescript', '-e', program];
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

test('one process holds the lock until it gives it back', () => {
  const path = lockPath();
  const release = takeLock(path);
  expect(() => takeLock(path)).toThrow(LockHeld);
  release();
  expect(takeLock(path)).not.toThrow();
});

test('a waiting process gets the lock when it is given back', async () => {
  const path = lockPath();
  const release = takeLock(path);
  const waiting = waitForLock(path);
  release();
  expect(await waiting).not.toThrow();
});

test('a killed process loses the lock', async () => {
  const path = lockPath();
  const holder = another(path, `takeLock(path); console.log('held'); setInterval(() => {}, 1000);`);
  await once(holder.stdout, 'data');
  expect(() => takeLock(path)).toThrow(LockHeld);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  expect(takeLock(path)).not.toThrow();
});

test('only one of eight processes holds the lock at a time', { timeout: 60_000 }, async () => {
  const path = lockPath();
  // Each fails when it finds another inside.
  const turns = `
    const { rmSync, writeFileSync } = await import('node:fs');
    for (let turn = 0; turn < 10; turn++) {
      const release = await waitForLock(path);
      writeFileSync(path + '.inside', '', { flag: 'wx' });
      rmSync(path + '.inside');
      release();
    }`;
  const exits = Array.from({ length: 8 }, () => once(another(path, turns), 'exit'));
  expect((await Promise.all(exits)).map(([code]) => code as number)).toEqual(Array(8).fill(0));
});
