import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { runLoad } from './closed-loop.ts';
import type { Job } from './job.ts';

const job = { connections: 8, warmUp: 50, duration: 200, expected: 201, requests: { kind: 'create' } } as const;

/** Runs a job against a server that answers so. */
async function load(answer: RequestListener, changes: Partial<Job> = {}) {
  const server = createServer(answer).listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => server.once('listening', resolve));
    const phases: string[] = [];
    const { port } = server.address() as AddressInfo;
    const result = await runLoad({ ...job, port, ...changes }, (phase) => phases.push(phase));
    return { ...result, phases };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

test('every answer is counted, and the figures come from those within the measured time', async () => {
  let requests = 0;
  const answer: RequestListener = (_request, response) => {
    requests += 1;
    setTimeout(() => response.writeHead(201, { 'content-length': 2 }).end('{}'), 10);
  };
  const { statuses, perSecond, p50, max, phases, unexpected } = await load(answer, { duration: 1_000 });
  expect(statuses).toEqual({ 201: requests });
  // 8 connections with at least 10 ms an answer; timers may fire 1 ms early.
  expect(perSecond).toBeGreaterThan(8);
  expect(perSecond).toBeLessThanOrEqual(8 / 0.009);
  expect(p50).toBeGreaterThanOrEqual(9);
  expect(max).toBeGreaterThanOrEqual(p50);
  expect(phases).toEqual(['measuring', 'measured']);
  expect(unexpected).toBeUndefined();
});

test('the number of requests is limited', async () => {
  let requests = 0;
  const answer: RequestListener = (_request, response) => {
    requests += 1;
    response.writeHead(201, { 'content-length': 0 }).end();
  };
  const { statuses } = await load(answer, { count: 100, warmUp: 0, duration: 60_000 });
  expect([requests, statuses]).toEqual([100, { 201: 100 }]);
});

test('a paced load sends requests evenly and no faster', async () => {
  const at: number[] = [];
  const answer: RequestListener = (_request, response) => {
    at.push(performance.now());
    response.writeHead(201, { 'content-length': 0 }).end();
  };
  await load(answer, { perSecond: 200, warmUp: 0, duration: 2_000 });
  expect(at.length).toBeGreaterThan(100);
  const lastedMs = (at.at(-1) ?? 0) - (at[0] ?? 0);
  expect(lastedMs).toBeGreaterThan(1_000);
  // One every 5 ms, and at most 20 at once that were late.
  expect(at.length).toBeLessThanOrEqual(lastedMs / 5 + 30);
});

test('an unexpected status is counted and shown', async () => {
  let requests = 0;
  const { statuses, unexpected } = await load(
    (_request, response) => {
      requests += 1;
      response.writeHead(requests === 3 ? 503 : 201, { 'content-length': 4 }).end('busy');
    },
    { count: 10 },
  );
  expect(statuses).toEqual({ 201: 9, 503: 1 });
  expect(unexpected).toMatch(/^HTTP\/1\.1 503[^]*busy$/);
});

test('a connection that ends is a failure', async () => {
  await expect(load((request) => request.socket.destroy())).rejects.toThrow('The server closed a connection');
});
