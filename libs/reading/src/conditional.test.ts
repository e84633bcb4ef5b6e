import { createLogger, createMetrics, createServer } from '@catalogue/service';
import { expect, test } from 'vitest';
import { isListed, requireRevalidation, sendTagged } from './conditional.ts';

test.each<[string | undefined, boolean]>([
  [undefined, false],
  ['"7"', true],
  ['W/"7"', true],
  ['"6", "7"', true],
  ['*', true],
  ['"6,", W/"7"', true],
  ['"6,"7","', false],
  ['"7', false],
  ['"77"', false],
  ['7', false],
])('If-None-Match: %s', (header, listed) => {
  expect(isListed(header, '"7"')).toBe(listed);
});

test('a resource is sent with its tag, or as 304 without a body, and has to be revalidated', async () => {
  const app = await createServer({
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    dependencies: {},
  });
  requireRevalidation(app);
  app.get('/', (request, reply) =>
    sendTagged(reply, request.headers['if-none-match'], { etag: '"7"', body: '{"a":1}' }),
  );
  const sent = await app.inject('/');
  expect([sent.statusCode, sent.body]).toEqual([200, '{"a":1}']);
  expect(sent.headers).toMatchObject({
    etag: '"7"',
    'cache-control': 'no-cache',
    'content-type': 'application/json; charset=utf-8',
  });
  const known = await app.inject({ url: '/', headers: { 'if-none-match': 'W/"6", "7"' } });
  expect([known.statusCode, known.body, known.headers['etag']]).toEqual([304, '', '"7"']);
  await app.close();
});

test('a resource that is not JSON is sent with its media type', async () => {
  const app = await createServer({
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    dependencies: {},
  });
  const type = 'image/svg+xml; charset=utf-8';
  app.get('/prices.svg', { config: { produces: ['image/svg+xml'] } }, (request, reply) =>
    sendTagged(reply, request.headers['if-none-match'], { etag: '"7"', body: '<svg/>', type }),
  );
  const sent = await app.inject('/prices.svg');
  expect([sent.statusCode, sent.body, sent.headers['etag'], sent.headers['content-type']]).toEqual([
    200,
    '<svg/>',
    '"7"',
    type,
  ]);
  const known = await app.inject({ url: '/prices.svg', headers: { 'if-none-match': '"7"' } });
  expect([known.statusCode, known.body]).toEqual([304, '']);
  await app.close();
});
