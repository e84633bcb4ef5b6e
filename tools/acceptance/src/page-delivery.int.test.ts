import { isDeepStrictEqual } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { Stage } from './stage.ts';

const stage = new Stage();
beforeAll(async () => {
  const catalogue = stage.system.client();
  await Promise.all(
    Array.from({ length: 250 }, (_, i) =>
      catalogue.create({ name: `Product ${String(i).padStart(3, '0')}`, price: i }),
    ),
  );
  await catalogue.page();
});

const within = { timeout: 60_000, interval: 20 };

test('all files of the page are below 60 KB', async () => {
  await using shown = await stage.open({}, 'about:blank');
  const session = await shown.page.context().newCDPSession(shown.page);
  let bytes = 0;
  const files = new Set<string>();
  await session.send('Network.enable');
  session.on('Network.responseReceived', ({ requestId, response }) => {
    if (!response.url.includes('/products') && !response.url.includes('/health')) files.add(requestId);
  });
  session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (files.has(requestId)) bytes += encodedDataLength;
  });
  await shown.page.goto(stage.url);
  await shown.live();
  await expect.poll(async () => (await shown.rows()).length, within).toBe(100);
  expect(files.size).toBeGreaterThanOrEqual(3);
  expect(bytes).toBeGreaterThan(5_000);
  expect(bytes).toBeLessThan(60_000);
  expect(shown.faults).toEqual([]);
});

test('its content security policy allows only its own files and the two APIs', async () => {
  const response = await fetch(stage.url);
  const policy = response.headers.get('content-security-policy') ?? '';
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toMatch(/unsafe|\*|data:/);
  expect(policy).toMatch(/; trusted-types stream-worker$/);
  expect(policy).toContain(`connect-src 'self' ${stage.system.services['command-api'].url};`);
  const document = await response.text();
  const [worker = ''] = /\/page\/stream-worker-[^"]+/.exec(document) ?? [];
  expect((await fetch(stage.url + worker)).headers.get('content-security-policy')).toBe(
    "default-src 'none'; connect-src 'self'",
  );
  const [script = ''] = /\/page\/main-[^"]+/.exec(document) ?? [];
  const file = await fetch(stage.url + script, { headers: { 'accept-encoding': 'gzip;q=1, br;q=0' } });
  expect([file.headers.get('content-encoding'), file.headers.get('cache-control')]).toEqual([
    'gzip',
    'public, max-age=31536000, immutable',
  ]);
  expect((await fetch(`${stage.url}/page/../settings.ts`)).status).toBe(404);
});

test('the rest of a long list is loaded by scrolling, and changes beyond it do not appear', async () => {
  await using shown = await stage.openLive();
  await expect.poll(async () => (await shown.rows()).length, within).toBe(100);
  const catalogue = stage.system.client();
  await catalogue.create({ name: 'Product 000a', price: 5 });
  await catalogue.create({ name: 'Product 240a', price: 5 });
  await expect.poll(async () => (await shown.rows())[1], within).toBe('Product 000a 5.00');
  for (let expected = 201; expected <= 252; expected += 51) {
    await shown.page.getByRole('button', { name: 'Show more' }).scrollIntoViewIfNeeded();
    await expect.poll(async () => (await shown.rows()).length, within).toBe(expected);
  }
  const listed = await Array.fromAsync(catalogue.list());
  await expect.poll(() => shown.rows(), within).toEqual(listed.map(({ name, price }) => `${name} ${price.toFixed(2)}`));
});

test('after many changes at once the page shows the list of the catalogue', async () => {
  await using shown = await stage.openLive({}, '/?sort=-price');
  const catalogue = stage.system.client();
  const some = (await catalogue.page({ sort: '-price' })).products;
  for (let round = 0; round < 5; round++)
    await Promise.all(
      some.map(({ id, price }, i) => catalogue.change(id, { price: (price + round * 37 + i * 11) % 500 })),
    );
  const listed = await Array.fromAsync(catalogue.list({ sort: '-price' }));
  const expected = listed.map(({ name, price }) => `${name} ${price.toFixed(2)}`);
  // Some went beyond what is loaded, so there are fewer; scrolled to, the rest comes.
  const shownAsListed = async () => {
    const rows = await shown.rows();
    return isDeepStrictEqual(rows, expected.slice(0, rows.length)) ? rows.length : 0;
  };
  await expect.poll(shownAsListed, within).toBeGreaterThan(20);
  for (let more = await shownAsListed(); more < expected.length; more = await shownAsListed()) {
    await shown.page.getByRole('button', { name: 'Show more' }).scrollIntoViewIfNeeded();
    await expect.poll(shownAsListed, within).toBeGreaterThan(more);
  }
});
