import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { smallFetch } from './small-fetch.ts';

const fetch = smallFetch();

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/products/mouse`;
}

test('sends method, headers and body, and returns status, headers and text', async () => {
  const url = await serve((request, response) => {
    const { method, url: path, headers } = request;
    const seen = { method, path, tag: headers['if-match'], type: headers['content-type'] };
    response.writeHead(201, { 'retry-after': '3', 'set-cookie': ['a=1', 'b=2'] });
    void text(request).then((body) => response.end(JSON.stringify({ ...seen, body })));
  });
  const headers = { 'If-Match': '"1"', 'Content-Type': 'application/json' };
  const answer = await fetch(url, { method: 'PATCH', headers, body: '{"name":"é"}' });
  const seen = { method: 'PATCH', path: '/products/mouse', tag: '"1"', type: 'application/json', body: '{"name":"é"}' };
  expect(await answer.json()).toEqual(seen);
  expect([answer.ok, answer.status, answer.headers.get('retry-after')]).toEqual([true, 201, '3']);
});

test('follows no redirect', async () => {
  const url = await serve((_, response) => void response.writeHead(307, { location: '/elsewhere' }).end());
  expect((await fetch(url, { method: 'PATCH', body: '{}' })).status).toBe(307);
});

test.each([
  ['before the answer', () => {}],
  ['within the answer', (_request, response) => void response.writeHead(200).write('{"id":')],
] satisfies [string, RequestListener][])('ends with its signal %s', async (_where, listener) => {
  const url = await serve(listener);
  await expect(fetch(url, { signal: AbortSignal.timeout(100) })).rejects.toThrow(/timeout/);
  await expect(fetch(url, { signal: AbortSignal.abort(new Error('stopped')) })).rejects.toThrow('stopped');
});

test('rejects with the code of a connection that is refused', async () => {
  await expect(fetch('http://127.0.0.1:1/')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
