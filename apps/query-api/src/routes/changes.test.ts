import type { Consistency } from '@catalogue/reading';
import { createLogger, createMetrics, createServer } from '@catalogue/service';
import { audience, startIssuer } from '@catalogue/testing';
import { expect, test } from 'vitest';
import type { StreamHub } from '../changes/stream-hub.ts';
import { streamRoute } from './changes.ts';

test('HEAD of the stream needs the scope of the stream', async () => {
  await using issuer = await startIssuer(['shop']);
  await using app = await createServer({
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    dependencies: {},
    auth: { issuer: issuer.url, audience, algorithms: ['ES256'] },
    corsOrigins: [],
    api: { title: 'Test', description: '' },
  });
  // HEAD uses neither of them.
  streamRoute(app, { streams: {} as StreamHub, consistency: {} as Consistency });
  const ask = async (scope?: string) => {
    const headers = scope === undefined ? {} : { authorization: `Bearer ${await issuer.token('shop', scope)}` };
    return (await app.inject({ method: 'HEAD', url: '/products/stream', headers })).statusCode;
  };
  expect([await ask(), await ask('catalogue:write'), await ask('catalogue:read')]).toEqual([401, 403, 200]);
});
