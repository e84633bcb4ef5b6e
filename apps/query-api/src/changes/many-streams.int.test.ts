import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { migrateReadModel } from '@catalogue/read-schema';
import { createDatabase, runBeside, startProcess, type TestDatabase, waitFor } from '@catalogue/testing';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';

const asked = 10_000;
/** Sockets that are opened at once: the queue of connections that wait for the process is short. */
const atOnce = 200;
/** 5 000 streams and 10 000 requests took 99 to 111 MB; without the V8 flags of the image 198 to 208. */
const maxGrowthMb = 200;
/** A read beside them took 645 ms at most, at a load of 15. */
const maxReadMs = 10_000;

let db: TestDatabase;
beforeAll(async () => {
  db = await createDatabase(inject('servers').readDb, migrateReadModel);
});
afterAll(async () => db?.[Symbol.asyncDispose]());

/** query-api in its own process, behind a proxy that names the addresses of clients. */
async function startApi(settings: Record<string, string>) {
  const program = new URL('../main.ts', import.meta.url);
  const env = { READ_DB_DSN: db.dsn, AUTH: 'off', HOST: '127.0.0.1', PORT: '0', TRUST_PROXY: '127.0.0.1', ...settings };
  const api = startProcess(program, [], env);
  const port = await waitFor('query-api to listen', () => {
    const [, found] = /127\.0\.0\.1:(\d+)/.exec(api.stdout()) ?? [];
    return found === undefined ? undefined : Number(found);
  });
  await waitFor('query-api to be ready', async () => (await fetch(`http://127.0.0.1:${port}/health/ready`)).ok);
  const read = async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/products`, { headers: { 'x-forwarded-for': '192.0.2.1' } });
    await answer.text();
    return answer.status;
  };
  const open = async () => {
    const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
    return Number(/^stream_clients\S* (\d+)/m.exec(text)?.[1]);
  };
  const memoryMb = () =>
    Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${api.pid}/status`, 'utf8'))?.[1]) / 1024;
  return { port, read, open, memoryMb, [Symbol.asyncDispose]: () => api[Symbol.asyncDispose]() };
}

/** Asks for streams from addresses; the sockets of those that opened, and the answers to all. */
async function askForStreams(port: number, addressOf: (index: number) => string) {
  const streams: Socket[] = [];
  const answers: string[] = [];
  const ask = async (index: number) => {
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET /products/stream HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: ${addressOf(index)}\r\n\r\n`);
    const [head] = (await once(socket.setEncoding('utf8'), 'data')) as [string];
    const [, status = ''] = /^HTTP\/1\.1 (\d+)/.exec(head) ?? [];
    answers.push(`${status}${/\r\nretry-after: 1\r\n/i.test(head) ? ', try again' : ''}`);
    socket.on('error', () => {}).resume();
    if (status === '200') streams.push(socket);
    else socket.destroy();
  };
  for (let begun = 0; begun < asked; begun += atOnce)
    await Promise.all(Array.from({ length: atOnce }, (_, index) => ask(begun + index)));
  const close = () => {
    for (const socket of streams) socket.destroy();
  };
  return {
    counts: Object.fromEntries(
      Map.groupBy(answers, String)
        .entries()
        .map(([how, { length }]) => [how, length]),
    ),
    close,
  };
}

test.each([
  {
    from: 'ten thousand addresses',
    settings: {},
    addressOf: (index: number) => `10.0.${index >> 8}.${index & 255}`,
    counts: { '200': 5_000, '503, try again': 5_000 },
  },
  {
    from: 'ten addresses',
    settings: { CONCURRENCY_LIMIT: '100' },
    addressOf: (index: number) => `10.0.0.${index % 10}`,
    counts: { '200': 1_000, '429, try again': 9_000 },
  },
])(
  '10 000 streams from $from: those above the limit are refused, and others read on',
  async (scenario) => {
    await using api = await startApi(scenario.settings);
    const before = api.memoryMb();
    const reads = { done: 0, longestMs: 0 };
    const readOn = async (over: AbortSignal) => {
      while (!over.aborted) {
        const began = performance.now();
        expect(await api.read()).toBe(200);
        reads.done += 1;
        reads.longestMs = Math.max(reads.longestMs, performance.now() - began);
      }
    };
    await using reading = runBeside([readOn]);
    const { counts, close } = await reading.during(() => askForStreams(api.port, scenario.addressOf));
    const loadedMb = api.memoryMb();
    expect(counts).toEqual(scenario.counts);
    expect(await api.open()).toBe(scenario.counts['200']);
    await reading.end();
    expect(reads.done).toBeGreaterThan(20);
    expect(loadedMb - before).toBeLessThan(maxGrowthMb);
    expect(reads.longestMs).toBeLessThan(maxReadMs);
    close();
    await waitFor('the streams to end', async () => (await api.open()) === 0);
  },
  240_000,
);
