import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import type { Job } from './job.ts';
import { runOpenLoad } from './open-loop.ts';

const job = { connections: 1, warmUp: 0, duration: 500, perSecond: 100, expected: 201 } as const;

/** Runs a job against a server that keeps its first answer back for this long. */
async function load(stallMs: number, changes: Partial<Job> = {}) {
  let requests = 0;
  const server = createServer((_request, response) => {
    requests += 1;
    const answer = () => response.writeHead(201, { 'content-length': 0 }).end();
    if (requests === 1) setTimeout(answer, stallMs);
    else answer();
  }).listen(0, '127.0.0.1');
  try {
    await new Promise((resolve) => server.once('listening', resolve));
    const { port } = server.address() as AddressInfo;
    const phases: string[] = [];
    const onPhase = (phase: string) => phases.push(phase);
    return { ...(await runOpenLoad({ ...job, requests: { kind: 'create' }, port, ...changes }, onPhase)), phases };
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

test('requests that were due while the server stalled are sent afterwards, and their latency counts from when they were due', async () => {
  const { statuses, p50, max, phases } = await load(400);
  expect(statuses).toEqual({ 201: 50 });
  expect(max).toBeGreaterThan(390);
  // Of the 50, 40 were due during the stall: half of them waited for at least 150 ms. Counted from sending, only one waited.
  expect(p50).toBeGreaterThan(100);
  expect(phases).toEqual(['measuring', 'measured']);
});

test('answers after the measured time do not count towards the rate, and are awaited', async () => {
  const { statuses, perSecond, p50 } = await load(600);
  expect(statuses).toEqual({ 201: 50 });
  expect(perSecond).toBe(0);
  expect(p50).toBeGreaterThan(100);
});

test('an open load without a rate is refused', async () => {
  const { perSecond: _, ...closed } = job;
  await expect(runOpenLoad({ ...closed, port: 1, requests: { kind: 'create' } }, () => {})).rejects.toThrow('rate');
});
