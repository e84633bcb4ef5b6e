import { once } from 'node:events';
import { createServer } from 'node:net';
import { startProcess, waitFor } from '@catalogue/testing';
import { expect, test } from 'vitest';

const program = new URL('../test/serving.ts', import.meta.url);
const start = (how: string, port = 0) => startProcess(program, [String(port), how], {});

test('asked to end, a process ends its work and exits with 0', async () => {
  await using serving = start('works');
  await waitFor('it to listen', () => serving.stdout().includes('listening'));
  serving.kill('SIGTERM');
  expect(await serving.exited).toBe(0);
});

test('a process whose work fails exits with 1', async () => {
  await using serving = start('fails');
  expect(await serving.exited).toBe(1);
  expect(serving.stdout()).toContain('broken');
});

test('a process whose port is taken says so in one line and exits with 1', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  await using serving = start('works', port);
  expect(await serving.exited).toBe(1);
  expect(serving.stdout()).toContain(`Port ${port} is in use`);
  expect(serving.stdout()).not.toContain('stack');
  other.close();
});
