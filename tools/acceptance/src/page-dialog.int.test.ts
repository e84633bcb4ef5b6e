import type { Route } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import type { CataloguePage } from './catalogue-page.ts';
import { Stage } from './stage.ts';

// The dialog of the page, when something else happens meanwhile.

const stage = new Stage();
beforeEach(async () => stage.empty());
const within = { timeout: 60_000, interval: 20 };

/** Products with these names, at 10. */
async function products(...names: string[]): Promise<string[]> {
  const catalogue = stage.system.client();
  const ids: string[] = [];
  for (const name of names) ids.push((await catalogue.create({ name, price: 10 })).id);
  await catalogue.page();
  return ids;
}

/** Creations and changes are held back until the function that is returned is called; what comes later is not. */
async function holdSaves({ page }: CataloguePage): Promise<() => void> {
  const released = Promise.withResolvers<void>();
  await page.route(/\/products(\/[^/]*)?$/, async (route: Route) => {
    if (['POST', 'PATCH'].includes(route.request().method())) await released.promise;
    await route.continue();
  });
  return released.resolve;
}

test('a lost race shows both versions and asks', async () => {
  const catalogue = stage.system.client();
  const { id } = await catalogue.create({ name: 'Mouse', price: 10 });
  await using shown = await stage.openLive();
  const lose = async (theirs: number, yours: string) => {
    await shown.row('Mouse').click();
    await catalogue.change(id, { price: theirs });
    await shown.save({ price: yours });
    await shown.dialog.getByText('Somebody changed this product meanwhile').waitFor();
    await shown.dialog.locator('#race-theirs:focus').waitFor();
    return shown.dialog.locator('#race tbody tr').last().innerText();
  };
  expect(await lose(11, '12')).toBe('Price\t11.00\t12.00');
  await shown.dialog.getByRole('button', { name: 'Keep theirs' }).click();
  expect(await shown.dialog.getByLabel('Price').inputValue()).toBe('11.00');
  await shown.dialog.getByRole('button', { name: 'Save' }).click();
  await shown.dialog.waitFor({ state: 'hidden' });
  expect(await catalogue.get(id)).toMatchObject({ price: 11, version: 2 });

  await lose(13, '14');
  await shown.dialog.getByRole('button', { name: 'Save mine over it' }).click();
  await expect.poll(() => shown.rows(), within).toEqual(['Mouse 14.00']);

  await shown.row('Mouse').click();
  await catalogue.discontinue(id);
  await shown.save({ price: '15' });
  await shown.dialog.getByText('Somebody has discontinued this product meanwhile.').waitFor();
});

test('saving after a lost race writes only the edited fields', async () => {
  const [id = ''] = await products('Mouse');
  const catalogue = stage.system.client();
  await using shown = await stage.openLive();
  await shown.row('Mouse').click();
  await catalogue.change(id, { name: 'Mouse of theirs', price: 11 });
  await shown.save({ price: '12' });
  await shown.dialog.locator('#race-theirs:focus').waitFor();
  const lines = shown.dialog.locator('#race tbody tr');
  expect(await lines.allInnerTexts()).toEqual(['Name\tMouse of theirs\tMouse of theirs', 'Price\t11.00\t12.00']);
  // Lost once more.
  await catalogue.change(id, { name: 'Mouse of others' });
  await shown.dialog.getByRole('button', { name: 'Save mine over it' }).click();
  await expect.poll(() => lines.first().innerText(), within).toBe('Name\tMouse of others\tMouse of others');
  await shown.dialog.getByRole('button', { name: 'Save mine over it' }).click();
  await shown.dialog.waitFor({ state: 'hidden' });
  // This client holds no token of the page's write.
  const expected = { name: 'Mouse of others', price: 12, version: 4 };
  await expect.poll(() => catalogue.get(id), within).toMatchObject(expected);
});

test('a product that was changed meanwhile is neither discontinued without a question nor changed back', async () => {
  const [id = ''] = await products('Mouse');
  const catalogue = stage.system.client();
  await using shown = await stage.openLive();
  await shown.row('Mouse').click();
  await catalogue.change(id, { price: 11 });
  const press = async (name: string) => shown.dialog.getByRole('button', { name, exact: true }).click();
  await press('Discontinue');
  await press('Discontinue for good?');
  await shown.dialog.getByText(/from .Mouse. at 10.00 to .Mouse. at 11.00. Discontinue it all the same\?/).waitFor();
  expect(await shown.dialog.getByLabel('Price').inputValue()).toBe('11.00');
  expect(await shown.page.evaluate('document.activeElement.id')).toBe('discontinue');
  expect(await catalogue.get(id)).toMatchObject({ price: 11, version: 2 });
  await press('Discontinue');
  await press('Discontinue for good?');
  await expect.poll(() => shown.rows(), within).toEqual([]);
});

test('a dialog that is closed while it saves does not affect the next one', async () => {
  await products('Early', 'Late');
  await using shown = await stage.openLive();
  const release = await holdSaves(shown);
  await shown.row('Early').click();
  await shown.save({ price: '20' });
  await shown.page.keyboard.press('Escape');
  await shown.row('Late').click();
  await shown.dialog.getByLabel('Price').fill('30');
  release();
  await expect.poll(() => shown.rows(), within).toEqual(['Early 20.00', 'Late 10.00']);
  await shown.page.getByText('Saved Early.').waitFor({ state: 'attached' });
  expect(await shown.dialog.getByLabel('Price').inputValue()).toBe('30');
  await shown.save({});
  await expect.poll(() => shown.rows(), within).toEqual(['Early 20.00', 'Late 30.00']);
});

test('a failed save of a closed dialog is reported, and not in another dialog', async () => {
  const [id = ''] = await products('Early', 'Late');
  await using shown = await stage.openLive();
  const release = await holdSaves(shown);
  await shown.row('Early').click();
  await stage.system.client().change(id, { price: 15 });
  await shown.save({ price: '20' });
  await shown.page.keyboard.press('Escape');
  await shown.row('Late').click();
  release();
  await shown.page.getByText(/Early. was not saved as you wanted. Somebody changed it meanwhile./).waitFor();
  expect(await shown.dialog.getByRole('heading').first().textContent()).toBe('Late');
  expect(await shown.dialog.locator('#race').isVisible()).toBe(false);
  await shown.page.keyboard.press('Escape');
  await shown.row('Early').click();
  expect(await shown.page.locator('#unsaved').isVisible()).toBe(false);
});

test('a double click saves once, and the focus stays after a refusal', async () => {
  await using shown = await stage.openLive();
  const { keyboard } = shown.page;
  await shown.page.getByRole('button', { name: 'New product' }).click();
  await shown.dialog.getByLabel('Name').fill('Mouse');
  await shown.dialog.getByLabel('Price').fill('1');
  // The second press comes while the first one's save is under way: later, it would press what has the focus then.
  let release = await holdSaves(shown);
  await shown.dialog.getByRole('button', { name: 'Create' }).dblclick();
  release();
  await shown.row('Mouse').waitFor();
  await shown.dialog.waitFor({ state: 'hidden' });
  await keyboard.press('n');
  await keyboard.type('Twin');
  await keyboard.press('Tab');
  await keyboard.type('2');
  release = await holdSaves(shown);
  await keyboard.press('Enter');
  await keyboard.press('Enter');
  release();
  await shown.row('Twin').waitFor();
  await shown.dialog.waitFor({ state: 'hidden' });
  const [id = ''] = await products('Away');
  await shown.row('Away').click();
  await stage.system.client().discontinue(id);
  await shown.dialog.getByLabel('Price').fill('3');
  await shown.dialog.getByRole('button', { name: 'Save' }).focus();
  await keyboard.press('Space');
  await shown.dialog.getByText('Somebody has discontinued this product meanwhile.').waitFor();
  expect(await shown.page.evaluate('document.activeElement.id')).toBe('save');
  await keyboard.press('Escape');
  await expect.poll(() => shown.rows(), within).toEqual(['Mouse 1.00', 'Twin 2.00']);
  expect(shown.faults).toEqual([]);
});

test.each([
  ['en-IN', '3,00,000.50'],
  ['ar-EG', '٣٠٠٬٠٠٠٫٥٠'],
  ['fr-FR', '300 000,50'],
])('a price that the page shows in %s can be saved as it is', async (locale, price) => {
  const catalogue = stage.system.client();
  const { id } = await catalogue.create({ name: 'Yacht', price: 300_000.5 });
  await using shown = await stage.openLive({ locale });
  await shown.row('Yacht').click();
  expect((await shown.dialog.getByLabel('Price').inputValue()).replaceAll('\u202f', ' ')).toBe(price);
  await shown.save({ name: 'Boat' });
  await shown.row('Boat').waitFor();
  await expect.poll(() => catalogue.get(id), within).toMatchObject({ name: 'Boat', price: 300_000.5, version: 2 });
});
