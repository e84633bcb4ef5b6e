import { createLogger, createMetrics } from '@catalogue/service';
import type { TestDatabase } from '@catalogue/testing';
import { buildApp } from '../src/app.ts';
import { openPools } from '../src/pools.ts';
import type { Markets } from '../src/rules/markets.ts';

/** The HTTP server over a database that a test fills, until it is disposed of. */
export async function startPrices(db: TestDatabase, markets: Markets, now: () => number) {
  const stop = new AbortController();
  const { reader, lines } = openPools(db.dsn);
  const { app, work } = await buildApp({
    projection: { dependencies: {}, work: async () => {} },
    sql: db.sql,
    reader,
    lines,
    log: createLogger('test', 'silent'),
    metrics: createMetrics('test'),
    markets,
    corsOrigins: ['https://shop.example'],
    now,
  });
  const working = work(stop.signal);
  return {
    app,
    get: async (url: string, headers: Record<string, string> = {}) => {
      const { statusCode: status, headers: answered, body } = await app.inject({ url, headers });
      const isJson = String(answered['content-type']).includes('json');
      return { status, headers: answered, text: body, body: (isJson ? JSON.parse(body) : undefined) as never };
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await app.close();
      await working;
      await Promise.all([reader.end({ timeout: 1 }), lines.end({ timeout: 1 })]);
    },
  };
}
