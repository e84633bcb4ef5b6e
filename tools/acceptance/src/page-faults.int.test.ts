import { expect, test } from 'vitest';
import { Stage } from './stage.ts';

const stage = new Stage();
const within = { timeout: 60_000, interval: 50 };

test('while query-api is down the page says so, writing works, and the page catches up later', async () => {
  const catalogue = stage.system.client();
  const { id } = await catalogue.create({ name: 'Mouse', price: 10 });
  await using shown = await stage.openLive();
  await expect.poll(() => shown.rows(), within).toEqual(['Mouse 10.00']);
  await stage.system.services['query-api'].kill();
  await expect.poll(() => shown.stream.textContent(), within).toContain('Connection lost: not up to date since');
  await expect.poll(() => shown.footer.textContent(), within).toContain('Reading (query-api) cannot be reached.');
  await shown.create('Written while it was away', '5');
  await catalogue.change(id, { price: 11 });
  await stage.system.services['query-api'].start();
  await shown.live();
  await expect.poll(() => shown.rows(), within).toEqual(['Mouse 11.00', 'Written while it was away 5.00']);
  await expect.poll(() => shown.footer.textContent(), within).not.toContain('cannot be reached');
  expect(shown.faults).toEqual([]);
});

test('while command-api is down the page says so, and saving again later saves once', async () => {
  await using shown = await stage.openLive();
  await stage.system.services['command-api'].kill();
  await expect.poll(() => shown.footer.textContent(), within).toContain('Writing (command-api) cannot be reached.');
  await shown.create('Once', '5');
  await shown.dialog.getByText('Saving again is safe').waitFor();
  await stage.system.services['command-api'].start();
  await expect.poll(() => shown.footer.textContent(), within).not.toContain('cannot be reached');
  await shown.save({});
  await shown.row('Once').waitFor();
  expect((await shown.rows()).filter((row) => row === 'Once 5.00')).toHaveLength(1);
});

test('while the read database is down the page names it and the reason, and recovers by itself', async () => {
  await using shown = await stage.openLive();
  await stage.system.crash('read-db');
  await expect
    .poll(() => shown.footer.textContent(), within)
    .toContain('Reading (query-api) cannot work: read model is');
  await using later = await stage.open();
  await later.page.getByText('The products cannot be loaded at the moment').waitFor();
  const { id } = await stage.system.client({ readYourWrites: false }).create({ name: 'Lamp', price: 3 });
  await stage.system.start('read-db');
  for (const page of [shown, later]) await page.row('Lamp').waitFor();
  await expect.poll(() => shown.footer.textContent(), within).not.toContain('cannot work');
  await expect.poll(() => later.page.getByRole('alert').first().textContent(), within).toBe('');
  await stage.system.client().discontinue(id);
});

test('while the worker is down the status bar shows the lag of the read side', async () => {
  await using shown = await stage.openLive();
  await stage.system.services['query-worker'].kill();
  await shown.create('Patience', '5');
  await expect
    .poll(() => shown.footer.textContent(), within)
    .toMatch(/Read side \d+(\.\d)? s behind, 1 change on the way/);
  await stage.system.services['query-worker'].start();
  await shown.row('Patience').waitFor();
  await expect.poll(() => shown.footer.textContent(), within).toMatch(/Read side \d+(\.\d)? s behind\s/);
});

test('a stream that a proxy refuses is requested again, and missed changes are loaded', async () => {
  await using shown = await stage.openLive();
  await shown.readStreamItself();
  await shown.page.reload();
  await shown.live();
  let refused = 0;
  await shown.page.route('**/products/stream', (route) => {
    refused += 1;
    return route.fulfill({ status: 404, body: 'Not here' });
  });
  await stage.system.services['query-api'].kill();
  await stage.system.services['query-api'].start();
  await expect.poll(() => shown.stream.textContent(), within).toContain('Connection lost');
  await expect.poll(() => refused, within).toBeGreaterThan(0);
  const { id } = await stage.system.client().create({ name: 'Missed', price: 5 });
  await shown.page.unroute('**/products/stream');
  await shown.row('Missed').waitFor();
  await expect.poll(() => shown.stream.textContent(), within).toBe('Live');
  expect(shown.faults).toEqual([]);
  await stage.system.client().discontinue(id);
});

test('a refused list is not requested repeatedly, and the next success clears the error', async () => {
  await using shown = await stage.open({}, 'about:blank');
  await shown.page.clock.install();
  await shown.page.goto(`${stage.url}/?q=${'x'.repeat(300)}`);
  await shown.page.getByText('No product is like that.').waitFor();
  let asked = 0;
  const body = JSON.stringify({ type: 'invalid-request', errors: [{ pointer: '/q', message: 'Must be a word' }] });
  await shown.page.route('**/products?q=refuse*', (route) => {
    asked += 1;
    return route.fulfill({ status: 400, contentType: 'application/problem+json', body });
  });
  await shown.search('refuse');
  await shown.page.getByText('Such a list cannot be asked for (q: Must be a word).').waitFor();
  // By the page's clock, much longer than until it would be tried again.
  await shown.page.clock.fastForward(30_000);
  // A request from then would be seen before one of now.
  await shown.search('something else');
  await expect.poll(() => shown.page.locator('#notice').textContent(), within).toBe('');
  expect(asked).toBe(1);
});

test('a browser with an invalid language tag shows the page', async () => {
  await using shown = await stage.open({}, 'about:blank');
  await shown.page.addInitScript(`Object.defineProperty(navigator, 'language', { get: () => 'en-US@posix' })`);
  await shown.page.goto(stage.url);
  await shown.live();
  await expect.poll(() => shown.footer.textContent(), within).toMatch(/\d product/);
  expect(shown.faults).toEqual([]);
});

test('a product whose creation got no answer is created once, even if it is saved again', async () => {
  await using shown = await stage.openLive();
  // Everything is carried out, and no answer comes back.
  await shown.page.route(/:\d+\/products$/, async (route) => {
    if (route.request().method() === 'POST') await route.fetch();
    await route.abort();
  });
  await shown.create('Twin', '5');
  await shown.dialog.getByText('Saving again is safe').waitFor();
  await shown.row('Twin').waitFor();
  await shown.page.unrouteAll();
  await shown.save({});
  await shown.dialog.waitFor({ state: 'hidden' });
  const catalogue = stage.system.client();
  await catalogue.create({ name: 'Twin, the last', price: 5 });
  await shown.row('Twin, the last').waitFor();
  expect((await shown.rows()).filter((row) => row.startsWith('Twin'))).toEqual(['Twin 5.00', 'Twin, the last 5.00']);
});
