import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openBrowser } from './browser.ts';
import { System } from './system.ts';

// The page at /docs of each API, as somebody uses it who tries the API for the first time.

let system: System;
let browser: Browser;
beforeAll(async () => {
  [system, browser] = await Promise.all([System.start(), openBrowser()]);
});
afterAll(async () => {
  await browser?.close();
  await system?.[Symbol.asyncDispose]();
});

interface Shown {
  page: Page;
  /** Errors in the console, violations of the policy among them. */
  errors: string[];
  /** Addresses of other origins that the page asked for. */
  foreign: string[];
}

async function open(service: 'command-api' | 'query-api'): Promise<Shown> {
  const { url } = system.services[service];
  const page = await browser.newPage();
  const errors: string[] = [];
  const foreign: string[] = [];
  page.on('console', (message) => message.type() === 'error' && errors.push(message.text()));
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== 'data:' && origin !== url) foreign.push(request.url());
  });
  await page.goto(`${url}/docs`);
  await page.locator('.opblock').first().waitFor();
  return { page, errors, foreign };
}

/** Tries an operation as it is filled in, with this id where the path has one; the status of the answer. */
async function tryOut(operation: Locator, id: string): Promise<number> {
  await operation.locator('.opblock-summary-control').click();
  await operation.getByRole('button', { name: 'Try it out' }).click();
  const path = operation.locator('tr[data-param-in="path"] input');
  if ((await path.count()) > 0) await path.fill(id);
  await operation.getByRole('button', { name: 'Execute' }).click();
  const status = operation.locator('.live-responses-table .response-col_status').last();
  return Number((await status.innerText()).split(/\s/)[0]);
}

const groups = { 'command-api': ['Products', 'History'], 'query-api': ['Products', 'Changes'] };

test.each(['command-api', 'query-api'] as const)(
  'on the /docs page of %s every example can be sent as it is, and no file comes from another origin',
  async (service) => {
    const catalogue = system.client();
    const receipt = await catalogue.create({ name: 'Mouse ergonomico', price: 39.9 });
    await catalogue.get(receipt.id);
    const { page, errors, foreign } = await open(service);
    const refused: string[] = [];
    for (const operation of await page.locator('.opblock').all()) {
      const name = await operation.locator('.opblock-summary-path').innerText();
      // A stream has no end to wait for.
      if (name.endsWith('stream')) continue;
      const status = await tryOut(operation, receipt.id);
      if (status >= 300)
        refused.push(`${await operation.locator('.opblock-summary-method').innerText()} ${name}: ${status}`);
    }
    expect({ refused, errors, foreign }).toEqual({ refused: [], errors: [], foreign: [] });

    expect(await page.title()).toMatch(/^Catalogue /);
    expect(
      await page.locator('.opblock-tag').evaluateAll((tags) => tags.map((tag) => tag.getAttribute('data-tag'))),
    ).toEqual(groups[service]);
    await page.getByText('Read your own write').waitFor();
  },
);
