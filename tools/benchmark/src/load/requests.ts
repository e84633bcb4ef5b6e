import type { Read, Requests } from './job.ts';

/** Makes the next request of one connection, in a buffer that its next call overwrites. */
export type NextRequest = () => Buffer;

const digits = 12;
const lowestCents = 100_000;
const prices = 900_000;

/**
 * Makes the requests of a run's connections. Each connection has its own buffer, written once; for each request only some
 * digits change, which costs nanoseconds.
 */
export function requestSource(requests: Requests, host: string): () => NextRequest {
  const counter = { next: 0 };
  switch (requests.kind) {
    case 'create': {
      const tokens = [requests.tokens ?? []].flat().map((token) => [`Authorization: Bearer ${token}`]);
      let opened = 0;
      return () => {
        const headers = tokens[opened++ % tokens.length] ?? [];
        return requests.keys === undefined
          ? creates(host, headers)
          : keyedCreates(host, headers, requests.keys, counter);
      };
    }
    case 'change':
      return () => changes(host, requests.ids, counter);
    case 'read': {
      const all = requests.reads.map((read) => readOf(read, host));
      return () => () => all[Math.floor(Math.random() * all.length)] as Buffer;
    }
    default:
      return requests satisfies never;
  }
}

const newProduct = '{"name":"Mouse ergonomico","price":39.9}';

function creates(host: string, headers: readonly string[]): NextRequest {
  const request = requestOf('POST /products', host, headers, newProduct);
  return () => request;
}

function keyedCreates(
  host: string,
  headers: readonly string[],
  prefix: string,
  counter: { next: number },
): NextRequest {
  const key = `Idempotency-Key: ${prefix}${'0'.repeat(digits)}`;
  const request = requestOf('POST /products', host, [key, ...headers], newProduct);
  const end = request.indexOf('0'.repeat(digits)) + digits;
  return () => {
    writeDigits(request, end, counter.next++);
    return request;
  };
}

/** Prices count up from 1000.00, so that each is new and has the same length. */
function changes(host: string, ids: readonly string[], counter: { next: number }): NextRequest {
  const blank = ids[0]?.replaceAll(/./g, '_') ?? '';
  const request = requestOf(`PUT /products/${blank}`, host, [], '{"price":1000.00}');
  const id = request.indexOf(blank);
  const point = request.lastIndexOf('.');
  return () => {
    request.write(ids[Math.floor(Math.random() * ids.length)] ?? '', id, 'latin1');
    const cents = lowestCents + (counter.next++ % prices);
    writeDigits(request, point, Math.floor(cents / 100));
    writeDigits(request, point + 3, 100 + (cents % 100), 2);
    return request;
  };
}

function readOf({ path, headers = {} }: Read, host: string): Buffer {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return Buffer.from([`GET ${path} HTTP/1.1`, `Host: ${host}`, ...lines, '', ''].join('\r\n'));
}

function requestOf(target: string, host: string, headers: readonly string[], body: string): Buffer {
  const lines = [`${target} HTTP/1.1`, `Host: ${host}`, 'Content-Type: application/json', ...headers];
  return Buffer.from([...lines, `Content-Length: ${Buffer.byteLength(body)}`, '', body].join('\r\n'));
}

/** Writes a number's digits so that they end before `end`; the last `count` of them if given. */
function writeDigits(buffer: Buffer, end: number, value: number, count = Number.POSITIVE_INFINITY): void {
  let rest = value;
  for (let i = 0; i < count && rest > 0; i++) {
    buffer[end - 1 - i] = 48 + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}
