import { append, migrateEventStore } from '@catalogue/event-store';
import { createLogger, createMetrics } from '@catalogue/service';
import { createDatabase, waitFor } from '@catalogue/testing';
import { randomUUID } from 'node:crypto';
import { expect, inject, test } from 'vitest';
import { buildApp } from '../app.ts';
import { openQueries, openStore } from '../store.ts';

test('commands continue beside many requests for long histories, and requests beyond the limit are refused', async () => {
  await using db = await createDatabase(inject('servers').writeDb, migrateEventStore);
  const stream = randomUUID();
  const events = Array.from({ length: 501 }, () => ({
    id: randomUUID(),
    type: 'ProductUpdated',
    schemaVersion: 1,
    payload: { id: stream, name: 'n'.repeat(200), price: 1 },
    metadata: { requestId: randomUUID() },
  }));
  await append(db.sql, [{ stream, expectedVersion: 0, events }]);
  let closed = 0;
  const store = openStore(db.dsn, () => (closed += 1));
  const queries = openQueries(db.dsn);
  const options = { log: createLogger('test', 'silent'), metrics: createMetrics('test'), corsOrigins: [] };
  const app = await buildApp({ store, queries, ...options });
  const post = () => app.inject({ method: 'POST', url: '/products', body: { name: 'Mouse', price: 1 } });
  expect((await post()).statusCode).toBe(201);

  const histories = Array.from({ length: 1_200 }, () => app.inject(`/products/${stream}/history?limit=500`));
  let areRead = false;
  const read = Promise.all(histories).finally(() => (areRead = true));
  const commands: number[] = [];
  await waitFor('the histories', async () => {
    commands.push((await post()).statusCode);
    return areRead;
  });
  expect(new Set(commands)).toEqual(new Set([201]));
  expect(closed).toBe(0);
  const answers = (await read).map(({ statusCode, headers }) => `${statusCode} ${headers['retry-after']}`);
  expect(new Set(answers)).toEqual(new Set(['200 undefined', '503 1']));
  expect(answers.filter((answer) => answer.startsWith('200')).length).toBeGreaterThanOrEqual(50);
  await app.close();
  await Promise.all([store.end(), queries.end()]);
});
