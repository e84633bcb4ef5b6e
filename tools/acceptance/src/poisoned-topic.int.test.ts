import { randomBytes, randomUUID } from 'node:crypto';
import { defaultTopic } from '@catalogue/contracts';
import { connect } from '@catalogue/postgres';
import { sendMessages, waitFor } from '@catalogue/testing';
import { expect, test } from 'vitest';
import { openBrowser } from './browser.ts';
import { CataloguePage } from './catalogue-page.ts';
import { System } from './system.ts';

const markup = '<img src=x onerror="document.title=`stolen`">';

const event = (id: string, version: number, change: object = {}) => ({
  id: randomUUID(),
  type: version === 1 ? 'ProductCreated' : 'ProductUpdated',
  schemaVersion: 1,
  productVersion: version,
  payload: version === 1 ? { id, name: 'Forged', price: 1 } : { id, price: version },
  timestamp: new Date().toISOString(),
  ...change,
});

const message = (key: string, value: object | string | Buffer, headers: Record<string, string | Buffer> = {}) => ({
  key,
  value: Buffer.isBuffer(value) ? value : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)),
  headers,
});

/** Values of the header with which Confluent's clients find the schema. No consumer of ours reads it. */
const schemaHeaders = [Buffer.alloc(0), Buffer.of(1), Buffer.alloc(17, 7), '7', Buffer.alloc(990_000, 1)];

/** What a producer with the right to write can send. It forges the products `victims`, of which each has one event. */
function forgeries(victims: readonly string[]) {
  const victim = (index: number) => victims[index] ?? '';
  const named = (id: string, name: string, version = 2) => message(id, event(id, version, { payload: { id, name } }));
  const own = randomUUID();
  return [
    // Versions.
    message(victim(0), event(victim(0), 9)),
    message(victim(1), event(victim(1), 1)),
    ...[0, -1, 1.5, 2 ** 53, '2'].map((productVersion) => message(victim(2), event(victim(2), 2, { productVersion }))),
    message(victim(3), event(victim(3), 2, { schemaVersion: 99 })),
    message(victim(4), event(victim(4), 2, { type: 'ProductStolen' })),
    // Subjects, correlation ids and traces.
    message(victim(5), event(victim(5), 2, { by: 'admin', subject: 'admin', metadata: { subject: 'admin' } })),
    message(victim(6), event(victim(6), 2, { correlationId: 'a\u0000\r\nX-Injected: b', causationId: '\u0000' })),
    message(victim(7), event(victim(7), 2, { correlationId: 'x'.repeat(500_000) }), { traceparent: '\r\n\u001b[2J' }),
    // Names as large as the broker takes (max.message.bytes), prices and times.
    named(victim(8), 'x'.repeat(990_000)),
    ...['a\u0000b', 'a\r\nb', '\u001b[2J', '\ud800', ''].map((name) => named(victim(9), name)),
    named(victim(10), markup),
    ...[1e300, -1, '1', null].map((price) =>
      message(victim(11), event(victim(11), 2, { payload: { id: victim(11), price } })),
    ),
    message(victim(12), event(victim(12), 2, { timestamp: 'yesterday' })),
    message(victim(13), event(victim(13), 2, { timestamp: '9999-12-31T23:59:59Z' })),
    // Ids: another product's, one that is too long, one that PostgreSQL does not store, and one that exists nowhere else.
    message(victim(14), event(victim(15), 2)),
    message('long', event(randomBytes(4_000).toString('hex'), 1)),
    message('\u0000', event('a\u0000b', 1)),
    message(victim(16), event(victim(16), 2, { id: 'x'.repeat(100_000) })),
    message(own, event(own, 1)),
    // Headers: these events are applied.
    ...schemaHeaders.map((header, index) =>
      message(victim(18), event(victim(18), index + 2), { __value_schema_id: header }),
    ),
    message(own, { id: 'old', type: 'ProductCreated', payload: { id: 'legacy' }, timestamp: 'never' }),
    // No events at all.
    ...['', '{', 'null', '[]', '{"id":1}', '['.repeat(10_000)].map((text) => message(victim(17), text)),
    ...[Buffer.from([0, 0, 0, 0, 1, 2]), Buffer.from([0xff, 0xfe]), randomBytes(1_000)].map((bytes) =>
      message('', bytes),
    ),
  ];
}

test('a producer that may write to the topic harms only the products that it forges', async () => {
  await using system = await System.start({ withPrices: true, withPromotions: true });
  const catalogue = system.client();
  const create = (count: number, name: string) =>
    Promise.all(
      Array.from({ length: count }, async (_, i) => (await catalogue.create({ name: `${name} ${i}`, price: 10 })).id),
    );
  const [victims, innocent] = [await create(19, 'Victim'), await create(24, 'Innocent')];
  await catalogue.page();
  const consumers = (['query-worker', 'price-history', 'promotions'] as const).map((name) => system.services[name]);

  const sent = forgeries(victims);
  await sendMessages(system.brokers, defaultTopic, sent);

  // Products of every partition, from before and from after.
  innocent.push(...(await create(24, 'Later')));
  for (const id of innocent) await catalogue.change(id, { price: 12 });
  for (const id of innocent) expect(await catalogue.get(id)).toMatchObject({ price: 12, version: 2 });
  const pricesOf = async (id: string) =>
    await (await fetch(`${system.services['price-history'].url}/products/${id}/prices`)).text();
  for (const id of innocent) await waitFor('the price line', async () => /"price":12\b/.test(await pricesOf(id)));
  const [promoted = ''] = innocent;
  const period = {
    startsAt: new Date(Date.now() + 1_000).toISOString(),
    endsBefore: new Date(Date.now() + 3_600_000).toISOString(),
  };
  await system
    .promotionsClient()
    .schedule({ name: 'Sale', products: [promoted], percent: 10, onRefusal: 'skip', ...period });
  await waitFor('the promoted price', async () => (await catalogue.get(promoted)).price === 10.8);

  // Each consumer lives, and says what it set aside and why.
  for (const service of consumers)
    expect([service.name, await service.isReady(), service.log]).toEqual([
      service.name,
      true,
      expect.not.stringContaining('"level":60'),
    ]);
  for (const dsn of [system.readDb, system.pricesDb, system.promotionsDb]) {
    const sql = connect(dsn, { name: 'test', max: 1 });
    // promotions parks one more: it stores correlation ids, and PostgreSQL refuses one of them.
    const count = dsn === system.promotionsDb ? 32 : 31;
    const parked = await waitFor('all of them to be parked', async () => {
      const rows = await sql<{ reason: string; detail: string }[]>`select reason, detail from parked_events`;
      return rows.length >= count && rows;
    });
    await sql.end();
    expect(parked).toHaveLength(count);
    for (const { reason, detail } of parked) {
      expect(['gap', 'fork', 'newer-schema', 'queued', 'unreadable']).toContain(reason);
      expect(detail).not.toBe('');
    }
  }

  expect(await catalogue.get(victims[18] ?? '')).toMatchObject({ version: 1 + schemaHeaders.length });

  // What is shown is whole: no name with control characters, and markup is text.
  const shown = await Array.fromAsync(catalogue.list());
  expect(shown.filter(({ name }) => name.length > 200 || /\p{Cc}/u.test(name))).toEqual([]);
  expect(shown.map(({ id }) => id)).toEqual(expect.arrayContaining(innocent));
  const browser = await openBrowser();
  try {
    await using page = await CataloguePage.open(browser, system.services['query-api'].url);
    await page.live();
    await page.page.getByText(markup).first().waitFor();
    expect([await page.page.title(), page.faults]).toEqual([expect.not.stringContaining('stolen'), []]);
  } finally {
    await browser.close();
  }

  // The events of a victim are what command-api stored, whatever the topic says.
  for (const id of victims) expect((await Array.fromAsync(catalogue.history(id))).length).toBe(1);
}, 300_000);
