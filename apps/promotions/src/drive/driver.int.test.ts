import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLogger } from '@catalogue/service';
import { createDatabase } from '@catalogue/testing';
import { expect, inject, onTestFinished, test } from 'vitest';
import { migratePromotions } from '../tables/migrate.ts';
import { openCommands } from './commands.ts';
import { Driver } from './driver.ts';
import { Slots } from './slots.ts';

test('a promotion makes way for others that are due, also while it has much to send', async () => {
  await using db = await createDatabase(inject('servers').readDb, migratePromotions);
  const server = createServer((request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: request.url?.split('/').at(-1), version: 2 }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void (server.closeAllConnections(), server.close()));
  // One more than a process continues at once. The last one is due last.
  await db.sql`
    insert into promotions (id, name, rule, amount, starts_at, ends_before, on_refusal, state, due_at, fingerprint, is_claimed)
    select ('00000000-0000-4000-8000-00000000000' || n)::uuid, 'Sale', 'percent', 2000, now(), now() + interval '1 h', 'skip',
      'applying', now() - (9 - n) * interval '1 s', '', true
    from generate_series(1, 9) n`;
  await db.sql`
    insert into product_prices (generation, id, version, cents, price_version)
    select 1, 'p' || n, 1, 1000, 1 from generate_series(1, 9000) n`;
  await db.sql`
    insert into promotion_items (promotion, product, state)
    select id, 'p' || n, 'waiting'
    from promotions, lateral generate_series(right(id::text, 1)::int * 1000 - 999, right(id::text, 1)::int * 1000) n`;
  const log = createLogger('test', 'silent');
  const catalogue = openCommands(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, { log });
  const driver = new Driver({
    sql: db.sql,
    catalogue,
    slots: new Slots(16, 4),
    log,
    onAnswered: () => {},
    onMoved: () => {},
  });
  const stop = new AbortController();
  const running = driver.run(stop.signal);
  const answered = async () =>
    await db.sql<{ answered: number }[]>`
      select count(answered_at)::integer as answered from promotion_items group by promotion order by promotion`;
  try {
    await expect
      .poll(async () => (await answered()).at(-1)?.answered, { interval: 20, timeout: 100_000 })
      .toBeGreaterThan(0);
    const others = (await answered()).slice(0, 8).map((each) => each.answered);
    expect(Math.max(...others)).toBeLessThan(1_000);
  } finally {
    stop.abort();
    await running;
  }
});
