import type { Route } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import type { CataloguePage } from './catalogue-page.ts';
import { Stage } from './stage.ts';

// The page for those who use other ways than eyes and a mouse on a large screen: every state of it.

const stage = new Stage();
const within = { timeout: 60_000, interval: 20 };
beforeEach(async () => {
  await stage.empty();
  const catalogue = stage.system.client();
  await Promise.all(Array.from({ length: 30 }, (_, i) => catalogue.create({ name: `Product ${i}`, price: i * 1000 })));
  await catalogue.create({ name: 'W'.repeat(200), price: 999_999_999.99 });
  await catalogue.create({ name: 'لوحة مفاتيح 👩‍👩‍👧‍👦', price: 1 });
  await catalogue.page();
});

/** Nothing is beside the screen. */
async function overflow({ page }: CataloguePage): Promise<number> {
  return page.evaluate('document.documentElement.scrollWidth - innerWidth');
}

test.each([
  ['in the light', {}],
  ['in the dark', { colorScheme: 'dark' as const }],
  ['on a phone', { viewport: { width: 375, height: 667 }, isMobile: true, hasTouch: true }],
  ['in colours of the system', { forcedColors: 'active' as const }],
])('axe finds nothing serious %s, in any state', async (_, options) => {
  await using shown = await stage.openLive(options);
  const { page, dialog } = shown;
  const states: Record<string, string[]> = {};
  const look = async (state: string) => {
    states[state] = await shown.obstacles();
    if ((await overflow(shown)) > 0) states[state].push('There is something beside the screen');
  };
  await shown.row('Product 1').waitFor();
  await look('list');
  await page.getByRole('button', { name: 'New product' }).click();
  await look('create');
  await shown.save({ name: '', price: 'x' });
  await dialog.getByText('A name is missing.').waitFor();
  await look('create, refused');
  await page.keyboard.press('Escape');

  await shown.row('Product 1').click();
  await dialog.getByText('1. Created').waitFor();
  await look('edit, history');
  const [product] = (await stage.system.client().page({ q: 'Product 1' })).products;
  await stage.system.client().change(product?.id ?? '', { price: 7 });
  await shown.save({ price: '8' });
  await dialog.getByText('Somebody changed this product meanwhile').waitFor();
  await look('conflict');
  await page.keyboard.press('Escape');

  await shown.search('no such thing at all');
  await page.getByText('No product is like that.').waitFor();
  await look('search without hits');
  await page.getByLabel('Price from').fill('x');
  await page.getByText('cannot be read as a price').waitFor();
  await look('price range, refused');
  await page.getByLabel('Price from').fill('');
  await shown.search('');
  await stage.empty();
  await page.getByText('The catalogue is empty').waitFor();
  await look('empty');

  await shown.readStreamItself();
  await page.route(/:\d+\/(products|health)/, (route: Route) => route.abort());
  await page.reload();
  await page.getByText('The products cannot be loaded at the moment').waitFor();
  await page.getByText('Writing (command-api) cannot be reached.').waitFor();
  await page.locator('#stream[data-state="lost"]').waitFor();
  await look('both APIs and the stream away');
  expect(Object.entries(states).filter(([, found]) => found.length > 0)).toEqual([]);
  expect(Object.keys(states)).toHaveLength(9);
});

test.each([
  ['on a low screen', { width: 800, height: 500 }],
  ['on a phone', { width: 375, height: 667 }],
  ['on a phone on its side', { width: 667, height: 375 }],
  ['at 400 %', { width: 320, height: 256 }],
])('what has the focus is in sight, %s', async (_, viewport) => {
  await using shown = await stage.openLive({ viewport });
  await shown.row('Product 1').waitFor();
  const { keyboard } = shown.page;
  // What lies over the middle of what has the focus.
  const covering = `(() => {
    const [focused, { x, y, width, height }] = [document.activeElement, document.activeElement.getBoundingClientRect()];
    const top = document.elementFromPoint(x + width / 2, y + height / 2);
    return focused === top || focused.contains(top) ? '' : String(top?.closest('header, footer, main')?.tagName);
  })()`;
  const hidden: string[] = [];
  const press = async (key: string, times: number) => {
    for (let i = 0; i < times; i++) {
      await keyboard.press(key);
      const over = await shown.page.evaluate<string>(covering);
      if (over !== '') hidden.push(`${key} ${i}: under ${over}`);
    }
  };
  await shown.page.locator('#rows button').first().focus();
  await press('ArrowDown', 28);
  await press('ArrowUp', 28);
  await press('Tab', 28);
  await press('Shift+Tab', 28);
  expect(hidden).toEqual([]);
  expect(await overflow(shown)).toBeLessThanOrEqual(0);
  // By pointer, too: Playwright clicks only what is not covered.
  await shown.row('Product 9').click();
  await shown.dialog.getByLabel('Price').waitFor();
  expect(await overflow(shown)).toBeLessThanOrEqual(0);
});

test('fields and heading do not overlap on a phone', async () => {
  await using shown = await stage.openLive({ viewport: { width: 375, height: 667 } });
  const [search, minPrice] = await Promise.all(
    ['Search', 'Price from'].map((label) => shown.page.getByLabel(label).boundingBox()),
  );
  expect((search?.x ?? 0) + (search?.width ?? 0)).toBeLessThanOrEqual(minPrice?.x ?? 0);
});

test('a screen reader reads the table and the state', async () => {
  await using shown = await stage.openLive();
  await shown.row('Product 1').waitFor();
  await shown.page.getByRole('button', { name: 'Price' }).click();
  const heading = shown.page.getByRole('columnheader', { name: 'Price' });
  await expect.poll(() => heading.getAttribute('aria-sort'), within).toBe('ascending');
  const row = shown.page.getByRole('row', { name: /^Product 3 / });
  expect(await row.ariaSnapshot()).toMatch(/row "Product 3 3,000\.00/);
  expect(await row.getByRole('rowheader').textContent()).toBe('Product 3');
  // Arrows are for eyes.
  expect(await heading.getByRole('button').ariaSnapshot()).toBe('- button "Price"');
  const state = shown.page.getByRole('contentinfo').getByRole('status').first();
  await expect.poll(() => state.textContent(), within).toBe('Live');
});
