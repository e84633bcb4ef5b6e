import { migrateEventStore, readBacklog } from '@catalogue/event-store';
import { createLogger, createMetrics } from '@catalogue/service';
import { createDatabase, waitFor } from '@catalogue/testing';
import { afterEach, expect, inject, test, vi } from 'vitest';
import { buildApp } from './app.ts';
import { removeKeysNowAndThen } from './commit/expired-keys.ts';

afterEach(() => void vi.useRealTimers());

const hourMs = 60 * 60 * 1000;

test.each([-30, 30])(
  'on a machine whose clock is off by %i hours, events have the right age, and keys are kept for 24 hours',
  async (hours) => {
    await using db = await createDatabase(inject('servers').writeDb, migrateEventStore);
    const log = createLogger('test', 'silent');
    const began = Date.now();
    vi.useFakeTimers({ toFake: ['Date'], now: began + hours * hourMs });
    const app = await buildApp({
      store: db.sql,
      queries: db.sql,
      log,
      metrics: createMetrics('test'),
      corsOrigins: [],
    });
    const post = async (key: string) => {
      const headers = { 'idempotency-key': key };
      const answer = await app.inject({ method: 'POST', url: '/products', headers, body: { name: 'Mouse', price: 1 } });
      return answer.json<{ id: string }>().id;
    };
    const [fresh, old] = [await post('fresh'), await post('old')];

    expect((await readBacklog(db.sql, 'relay')).ageSeconds).toBeLessThan(hourMs / 1000);
    const [entry] = (await app.inject(`/products/${fresh}/history`)).json<{ at: string }[]>();
    expect(Math.abs(Date.parse(entry?.at ?? '') - began)).toBeLessThan(hourMs);

    await db.sql`update idempotency_keys set created_at = created_at - interval '25 hours' where key = 'old'`;
    const ended = new AbortController();
    const removing = removeKeysNowAndThen(db.sql, log, ended.signal);
    const keys = async () => (await db.sql<{ key: string }[]>`select key from idempotency_keys`).map(({ key }) => key);
    await waitFor('the old key to be removed', async () => !(await keys()).includes('old'));
    ended.abort();
    await removing;
    expect([await post('fresh'), (await post('old')) === old]).toEqual([fresh, false]);
    await app.close();
  },
);
