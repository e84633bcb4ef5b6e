import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { requestSource } from './requests.ts';

const host = '127.0.0.1:8080';

function read(request: Buffer) {
  const [head = '', body = ''] = request.toString().split('\r\n\r\n');
  const [line = '', ...headers] = head.split('\r\n');
  return { line, headers: Object.fromEntries(headers.map((each) => each.split(': '))), body: JSON.parse(body) };
}

test('a create is a complete request', () => {
  const request = requestSource({ kind: 'create' }, host)()();
  expect(read(request)).toEqual({
    line: 'POST /products HTTP/1.1',
    headers: { Host: host, 'Content-Type': 'application/json', 'Content-Length': '40' },
    body: { name: 'Mouse ergonomico', price: 39.9 },
  });
});

test('each connection has one of the access tokens', () => {
  const connect = requestSource({ kind: 'create', tokens: ['one', 'two'] }, host);
  const sent = [connect(), connect(), connect()].map((next) => read(next()).headers['Authorization']);
  expect(sent).toEqual(['Bearer one', 'Bearer two', 'Bearer one']);
});

test('no key is used twice, on any connection', () => {
  const connect = requestSource({ kind: 'create', keys: 'run-7-' }, host);
  const connections = [connect(), connect()];
  const keys = Array.from({ length: 2_000 }, (_, i) => read(connections[i % 2]?.() as Buffer).headers);
  expect(new Set(keys.map((headers) => headers['Idempotency-Key'])).size).toBe(2_000);
  expect(keys.at(-1)).toMatchObject({ 'Idempotency-Key': 'run-7-000000001999' });
});

test('changes go to all products, each with a different price', () => {
  const ids = Array.from({ length: 20 }, () => randomUUID());
  const connect = requestSource({ kind: 'change', ids }, host);
  const connections = [connect(), connect()];
  const changes = Array.from({ length: 2_000 }, (_, i) => read(connections[i % 2]?.() as Buffer));
  expect(new Set(changes.map(({ line }) => line))).toEqual(new Set(ids.map((id) => `PUT /products/${id} HTTP/1.1`)));
  expect(changes.map(({ body }) => body.price)).toEqual(changes.map((_, i) => (100_000 + i) / 100));
  expect(changes[0]?.headers['Content-Length']).toBe('17');
});

test('a read asks for one of the paths, with its headers', () => {
  const next = requestSource(
    { kind: 'read', reads: [{ path: '/products/a', headers: { 'if-none-match': '"1"' } }] },
    host,
  )();
  expect(next().toString()).toBe(`GET /products/a HTTP/1.1\r\nHost: ${host}\r\nif-none-match: "1"\r\n\r\n`);
});
