import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser } from './browser.ts';
import { CataloguePage } from './catalogue-page.ts';
import { System } from './system.ts';

let system: System;
let browser: Browser;

beforeAll(async () => {
  [system, browser] = await Promise.all([System.start(), openBrowser()]);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await system?.[Symbol.asyncDispose]();
});

const open = async () => (await CataloguePage.open(browser, system.services['query-api'].url)).live();
const within = { timeout: 20_000, interval: 50 };

test('query-api down: the page says so, writing goes on, and it catches up', async () => {
  const catalogue = system.client();
  const { id } = await catalogue.create({ name: 'Mouse', price: 10 });
  await using shown = await open();
  await expect.poll(() => shown.rows(), within).toEqual(['Mouse 10.00']);
  await system.services['query-api'].kill();
  await expect.poll(() => shown.stream.textContent(), within).toContain('Connection lost: not up to date since');
  await expect.poll(() => shown.footer.textContent(), within).toContain('Reading (query-api) cannot be reached.');
  await shown.create('Written while it was away', '5');
  await catalogue.change(id, { price: 11 });
  await system.services['query-api'].start();
  await shown.live();
  await expect.poll(() => shown.rows(), within).toEqual(['Mouse 11.00', 'Written while it was away 5.00']);
  await expect.poll(() => shown.footer.textContent(), within).not.toContain('cannot be reached');
  expect(shown.faults).toEqual([]);
}, 60_000);

test('command-api down: the page says so; saved again when it is back, it is saved once', async () => {
  await using shown = await open();
  await system.services['command-api'].kill();
  await expect.poll(() => shown.footer.textContent(), within).toContain('Writing (command-api) cannot be reached.');
  await shown.create('Once', '5');
  await shown.dialog.getByText('Saving again is safe').waitFor({ timeout: 20_000 });
  await system.services['command-api'].start();
  await expect.poll(() => shown.footer.textContent(), within).not.toContain('cannot be reached');
  await shown.save({});
  await shown.row('Once').waitFor();
  expect((await shown.rows()).filter((row) => row === 'Once 5.00')).toHaveLength(1);
}, 60_000);

test('the read database down: the page says which and why, and heals by itself', async () => {
  await using shown = await open();
  await system.crash('read-db');
  await expect
    .poll(() => shown.footer.textContent(), within)
    .toContain('Reading (query-api) cannot work: read model is');
  await using later = await CataloguePage.open(browser, system.services['query-api'].url);
  await later.page.getByText('The products cannot be loaded at the moment').waitFor({ timeout: 20_000 });
  const { id } = await system.client({ readYourWrites: false }).create({ name: 'Lamp', price: 3 });
  await system.start('read-db');
  for (const page of [shown, later]) await page.row('Lamp').waitFor({ timeout: 30_000 });
  await expect.poll(() => shown.footer.textContent(), within).not.toContain('cannot work');
  expect(await later.page.getByRole('alert').first().textContent()).toBe('');
  await system.client().discontinue(id);
}, 90_000);

test('the worker down: the status bar tells how far the read side is behind', async () => {
  await using shown = await open();
  await system.services['query-worker'].kill();
  await shown.create('Patience', '5');
  await expect.poll(() => shown.footer.textContent(), within).toMatch(/Read side \d\.\d s behind, 1 change on the way/);
  await system.services['query-worker'].start();
  await shown.row('Patience').waitFor({ timeout: 30_000 });
  await expect.poll(() => shown.footer.textContent(), within).toMatch(/Read side \d+(\.\d)? s behind\s/);
}, 60_000);
