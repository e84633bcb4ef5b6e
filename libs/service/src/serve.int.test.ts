import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { startProcess, waitFor } from '@catalogue/testing';
import { expect, test } from 'vitest';

const program = new URL('../test/serving.ts', import.meta.url);
const start = (how: string, port = 0, metricsPort?: number) =>
  startProcess(program, [String(port), how, ...(metricsPort === undefined ? [] : [String(metricsPort)])], {});

test('a process that is told to stop ends its work and exits with 0', async () => {
  await using serving = start('works');
  await waitFor('it to listen', () => serving.stdout().includes('listening'));
  serving.kill('SIGTERM');
  expect(await serving.exited).toBe(0);
});

test.each([
  ['nothing', ''],
  ['half of its headers', 'GET /metrics HTTP/1.1\r\nHost: a\r\nX-Ha'],
  [
    'half of its body',
    'POST /echo HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"a"',
  ],
])('a client of which %s has come does not keep a process from ending', async (_, bytes) => {
  await using serving = start('works');
  const listening = /listening at http:\/\/127\.0\.0\.1:(\d+)/;
  await waitFor('it to listen', () => listening.test(serving.stdout()));
  const socket = connect(Number(listening.exec(serving.stdout())?.[1]), '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  socket.write(bytes);
  // The server knows this connection once it has answered a request on a later one.
  await fetch(`http://127.0.0.1:${socket.remotePort}/health/live`);
  serving.kill('SIGTERM');
  expect(await serving.exited).toBe(0);
  socket.destroy();
});

test('a process whose work fails exits with 1', async () => {
  await using serving = start('fails');
  expect(await serving.exited).toBe(1);
  expect(serving.stdout()).toContain('broken');
});

test('a process whose port is in use reports it in one line and exits with 1', async () => {
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as { port: number };
  await using serving = start('works', port);
  expect(await serving.exited).toBe(1);
  expect(serving.stdout()).toContain(`Port ${port} is in use`);
  expect(serving.stdout()).not.toContain('stack');
  other.close();
});

test('with a port of their own, health and metrics are not on the public one', async () => {
  await using serving = start('works', 0, 0);
  const listening = /listening at (http:\/\/127\.0\.0\.1:\d+)/g;
  const urls = await waitFor('it to listen twice', () => {
    const found = [...serving.stdout().matchAll(listening)].flatMap(([, url]) => url ?? []);
    return found.length === 2 && found;
  });
  const statusesOf = async (path: string) =>
    await Promise.all(urls.map(async (url) => (await fetch(`${url}${path}`)).status));
  for (const path of ['/health/live', '/health/ready', '/metrics']) expect(await statusesOf(path)).toEqual([404, 200]);
  expect(await statusesOf('/echo')).toEqual([405, 404]);
  expect(await (await fetch(`${urls[1]}/metrics`)).text()).toContain('process_cpu_seconds_total');
  serving.kill('SIGTERM');
  expect(await serving.exited).toBe(0);
});
