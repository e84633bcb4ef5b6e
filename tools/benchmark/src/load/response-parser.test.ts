import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ResponseParser } from './response-parser.ts';

const answer = fc.record({
  // 304 has no body: below.
  status: fc.integer({ min: 200, max: 599 }).filter((status) => status !== 304),
  headers: fc.array(fc.constantFrom('etag: "1"', 'x-content-length: 7', 'Date: Mon', 'vary: content-length')),
  name: fc.constantFrom('content-length: ', 'Content-Length: ', 'CONTENT-LENGTH:'),
  body: fc.string({ unit: fc.constantFrom('a', '{', '\r', '\n', '\r\n\r\n', '\r\ncontent-length: 3\r\n\r\n', 'é') }),
});

const textOf = ({ status, headers, name, body }: { status: number; headers: string[]; name: string; body: string }) =>
  [`HTTP/1.1 ${status} So`, ...headers, `${name}${Buffer.byteLength(body)}`, '', body].join('\r\n');

test('answers are found wherever they are split', () => {
  fc.assert(
    fc.property(fc.array(answer, { maxLength: 5 }), fc.array(fc.nat(), { maxLength: 20 }), (answers, cuts) => {
      const texts = answers.map(textOf);
      const bytes = Buffer.from(texts.join(''));
      const found: [number, string][] = [];
      const parser = new ResponseParser((status, response) => found.push([status, response.toString()]));
      const ends = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((a, b) => a - b), bytes.length];
      ends.slice(1).forEach((end, i) => {
        const chunk = Buffer.from(bytes.subarray(ends[i], end));
        parser.push(chunk);
        chunk.fill(0); // As the socket's buffer is overwritten by the next read.
      });
      expect(found).toEqual(answers.map(({ status }, i) => [status, texts[i]]));
    }),
  );
});

test.each(['HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', 'SSH-2.0\r\ncontent-length: 0\r\n\r\n'])(
  'an answer that cannot be parsed is reported: %j',
  (text) => {
    expect(() => new ResponseParser(() => {}).push(Buffer.from(text))).toThrow(
      /A response has no Content-Length|Expected a response/,
    );
  },
);

test('a 304 ends after its headers, with or without a length', () => {
  const statuses: number[] = [];
  const parser = new ResponseParser((status) => statuses.push(status));
  parser.push(Buffer.from('HTTP/1.1 304 Not Modified\r\netag: "1"\r\n\r\n'));
  parser.push(
    Buffer.from('HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n'),
  );
  expect(statuses).toEqual([304, 304, 200]);
});
