import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryHome } from './home.ts';
import { LockHeld, takeLock, waitForLock } from './lock.ts';

function lockPath(): string {
  const home = temporaryHome();
  onTestFinished(home.remove);
  return join(home.path, 'some.lock');
}

test('it is held once, and free again when given back', () => {
  const path = lockPath();
  const release = takeLock(path);
  expect(() => takeLock(path)).toThrow(LockHeld);
  release();
  expect(existsSync(path)).toBe(false);
  expect(takeLock(path)).not.toThrow();
});

test('the one of a process that is gone counts for nothing, although another has its id by now', () => {
  const path = lockPath();
  writeFileSync(path, `${process.pid} 12345 of-an-earlier-boot`);
  expect(takeLock(path)).not.toThrow();
});

test.each(['', 'not a process id'])('one that says "%s" counts for nothing', (content) => {
  const path = lockPath();
  writeFileSync(path, content);
  expect(takeLock(path)).not.toThrow();
});

test('who waits gets it when it is given back', async () => {
  const path = lockPath();
  const release = takeLock(path);
  const waiting = waitForLock(path);
  release();
  expect(await waiting).not.toThrow();
});

test('of eight processes that find a stale one at once, one at a time holds it', { timeout: 60_000 }, async () => {
  const path = lockPath();
  writeFileSync(path, '999999999 0');
  const module = JSON.stringify(new URL('lock.ts', import.meta.url).href);
  // Each holds the lock for a moment, and fails when another does too.
  const program = `
    import { rmSync, writeFileSync } from 'node:fs';
    const { waitForLock } = await import(${module});
    for (let turn = 0; turn < 20; turn++) {
      const release = await waitForLock(${JSON.stringify(path)});
      writeFileSync(${JSON.stringify(`${path}.inside`)}, '', { flag: 'wx' });
      rmSync(${JSON.stringify(`${path}.inside`)});
      release();
    }`;
  const codes = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], { stdio: 'inherit' });
      const [code] = await once(child, 'exit');
      return code as number;
    }),
  );
  expect(codes).toEqual(Array(8).fill(0));
});
