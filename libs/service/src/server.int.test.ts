import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLogger } from './logger.ts';
import { createMetrics } from './metrics.ts';
import { createServer, type Server } from './server.ts';

let app: Server;

beforeAll(async () => {
  app = await createServer({
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    dependencies: {},
    api: { title: 'Test', description: 'For this test' },
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
});
afterAll(() => app.close());

/** What a server answers to bytes, whole. */
async function send(bytes: string): Promise<{ head: string; body: Record<string, unknown> }> {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1');
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answer += text;
  });
  socket.write(bytes);
  await once(socket, 'end');
  const [head = '', body = ''] = answer.split('\r\n\r\n');
  return { head, body: JSON.parse(body) as Record<string, unknown> };
}

test.each([
  ['no HTTP', 'hello\r\n\r\n', 'This is not HTTP'],
  ['a method that is none', 'FOO /metrics HTTP/1.1\r\nHost: a\r\n\r\n', 'This is not HTTP'],
  ['a control character in a header', 'GET /metrics HTTP/1.1\r\nHost: a\u0001\r\n\r\n', 'This is not HTTP'],
  [
    'headers of 30 KB',
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(30_000)}\r\n\r\n`,
    'The headers are larger than 16 KiB',
  ],
])('%s is answered with a problem, too', async (_, bytes, detail) => {
  const { head, body } = await send(bytes);
  expect(head).toMatch(/^HTTP\/1\.1 400 /);
  expect(head).toMatch(/content-type: application\/problem\+json/i);
  expect(body).toMatchObject({ type: 'invalid-request', status: 400, detail });
  expect(head).toContain(`X-Request-Id: ${String(body['instance'])}`);
});

test('the page of the documents runs and loads only files of its own, and obeys a policy that says so', async () => {
  const page = await app.inject('/docs/');
  const policy = String(page.headers['content-security-policy']);
  expect(policy).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self';/);
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|https?:|\*/);
  const scripts = page.body.match(/<script.*?<\/script>/gs) ?? [];
  expect(scripts.length).toBeGreaterThan(0);
  for (const script of scripts) expect(script).toMatch(/^<script src="\.\/static\/[^"]+"[^>]*>\s*<\/script>$/);
  expect(page.body).not.toMatch(/<style|style=|\son\w+=/);
});
