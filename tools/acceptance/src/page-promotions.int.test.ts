import type { Locator, Route } from 'playwright-core';
import { beforeEach, expect, test } from 'vitest';
import type { CataloguePage } from './catalogue-page.ts';
import { Stage } from './stage.ts';

// The page with promotions beside the catalogue.

const stage = new Stage({ withPromotions: true });
const within = { timeout: 60_000, interval: 20 };
beforeEach(async () => {
  const promotions = stage.system.promotionsClient();
  for await (const { id, state } of promotions.list())
    if (['scheduled', 'active'].includes(state)) await promotions.cancel(id);
  await stage.empty();
});

/** Creates products at these prices; resolves with their ids when the list shows them. */
async function products(prices: Record<string, number>): Promise<string[]> {
  const catalogue = stage.system.client();
  const ids: string[] = [];
  for (const [name, price] of Object.entries(prices)) ids.push((await catalogue.create({ name, price })).id);
  await catalogue.page();
  return ids;
}

const hour = 3_600_000;
/** What a field for a local time holds, in the zone of this machine. */
const fieldOf = (fromNow: number) => {
  const at = new Date(Date.now() + fromNow);
  return new Date(at.getTime() - at.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
};
const section = ({ page }: CataloguePage): Locator => page.locator('#promotions');
const line = (shown: CataloguePage, name: string): Locator =>
  section(shown).getByRole('listitem').filter({ hasText: name });
const box = ({ page }: CataloguePage, name: string): Locator =>
  page.getByRole('checkbox', { name: `Select ${name}`, exact: true });

test('a promotion of selected products is previewed, scheduled, followed in two windows, and cancelled', async () => {
  await products({ Mouse: 10, Lamp: 20, Desk: 300 });
  await using shown = await stage.openLive();
  await using other = await stage.openLive();
  await section(other).locator('summary').click();
  await other.page.getByText('There are no promotions.').or(section(other).getByRole('listitem').first()).waitFor();

  await box(shown, 'Mouse').check();
  await box(shown, 'Lamp').check();
  await shown.page.getByText('2 selected').waitFor();
  await shown.page.getByRole('button', { name: 'Schedule a promotion' }).first().click();
  const { dialog } = shown;
  await dialog.getByRole('heading', { name: 'New promotion' }).waitFor();
  await expect.poll(() => dialog.getByLabel('Products').inputValue(), within).toBe('selected');
  await dialog.getByRole('option', { name: '2 selected products' }).waitFor({ state: 'attached' });
  await dialog.getByLabel('Name').fill('Two days');
  await dialog.getByLabel('Percent', { exact: true }).fill('20');
  await dialog.getByLabel('Ends before').fill(fieldOf(48 * hour));
  const preview = dialog.getByRole('row');
  await expect
    .poll(async () => (await preview.allInnerTexts()).toSorted(), within)
    .toEqual(['Lamp\t20.00\t16.00', 'Mouse\t10.00\t8.00', 'Product\tNow\tPromoted']);
  expect(await shown.obstacles()).toEqual([]);
  await dialog.getByRole('button', { name: 'Schedule', exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
  await expect.poll(() => shown.rows(), within).toEqual(['Desk 300.00', 'Lamp 16.00', 'Mouse 8.00']);
  expect(await shown.page.locator('#selection').isVisible()).toBe(false);
  await shown.page.locator('#promotions summary:focus').waitFor();

  // Both windows follow it.
  for (const window of [shown, other]) await line(window, 'Two days').getByText('Running').waitFor();
  await line(other, 'Two days').getByText('20% off').waitFor();
  await line(other, 'Two days').getByRole('button').click();
  await other.dialog.getByText('Products: 2 at the promoted price.').waitFor();
  await other.dialog.getByText('Applying its prices: Its start has come').waitFor();
  expect(await other.obstacles()).toEqual([]);

  // Nobody cancels by one press.
  await line(shown, 'Two days').getByRole('button').click();
  await dialog.getByRole('button', { name: 'Cancel promotion' }).click();
  await dialog.getByRole('button', { name: 'Cancel it for good?' }).click();
  for (const window of [shown, other])
    await window.dialog.getByText('Undone: prices were given back', { exact: true }).waitFor();
  expect(await other.dialog.getByRole('button').allInnerTexts()).toEqual(['Close']);
  await expect.poll(() => shown.rows(), within).toEqual(['Desk 300.00', 'Lamp 20.00', 'Mouse 10.00']);
  expect([...shown.faults, ...other.faults]).toEqual([]);
});

test('a promotion of all products that match the list is previewed by name, and scheduled', async () => {
  await products({ 'Garden Hose': 10, 'Hose Reel': 20, Shovel: 30 });
  await using shown = await stage.openLive();
  await shown.page.locator('#search').fill('hose');
  await expect.poll(() => shown.rows(), within).toEqual(['Hose Reel 20.00', 'Garden Hose 10.00']);
  await section(shown).locator('summary').click();
  await shown.page.locator('#schedule-open').click();
  const { dialog } = shown;
  expect(await dialog.getByLabel('Products').inputValue()).toBe('matching');
  await dialog.getByRole('option', { name: 'All products named “hose”' }).waitFor({ state: 'attached' });
  await dialog.getByLabel('Name').fill('Hoses');
  await dialog.getByLabel('Percent', { exact: true }).fill('50');
  await dialog.getByLabel('Ends before').fill(fieldOf(48 * hour));
  await expect
    .poll(async () => (await dialog.getByRole('row').allInnerTexts()).toSorted(), within)
    .toEqual(['Garden Hose\t10.00\t5.00', 'Hose Reel\t20.00\t10.00', 'Product\tNow\tPromoted']);
  await dialog.getByText('2 products', { exact: true }).waitFor();
  expect(await shown.obstacles()).toEqual([]);
  await dialog.getByRole('button', { name: 'Schedule', exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
  await expect.poll(() => shown.rows(), within).toEqual(['Hose Reel 10.00', 'Garden Hose 5.00']);
  expect(shown.faults).toEqual([]);
});

test('it works by keyboard alone', async () => {
  await products({ Chair: 50, Table: 80 });
  await using shown = await stage.openLive();
  const { keyboard } = shown.page;
  await shown.row('Chair').waitFor();
  await box(shown, 'Chair').focus();
  await keyboard.press('Space');
  await keyboard.press('ArrowDown');
  await keyboard.press('Space');
  await keyboard.press('p');
  await shown.dialog.getByRole('heading', { name: 'New promotion' }).waitFor();
  await keyboard.type('By keys');
  await keyboard.press('Tab');
  await keyboard.press('ArrowDown');
  await keyboard.press('Tab');
  await keyboard.type('45');
  await shown.dialog.getByLabel('Ends before').fill(fieldOf(hour));
  await keyboard.press('Enter');
  await shown.dialog.waitFor({ state: 'hidden' });
  await expect.poll(() => shown.rows(), within).toEqual(['Chair 45.00', 'Table 45.00']);
  await line(shown, 'By keys').getByText('at 45.00').waitFor();
  await keyboard.press('Tab');
  await shown.page.locator('#promotion-groups button:focus').waitFor();
  await keyboard.press('Enter');
  await shown.dialog.getByText('Products: 2 at the promoted price.').waitFor();
  await shown.page.locator('#promotion-close:focus').waitFor();
  await keyboard.press('Escape');
  await shown.dialog.waitFor({ state: 'hidden' });
  await shown.page.locator('#promotion-groups button:focus').waitFor();
  expect(shown.faults).toEqual([]);
});

test('what is wrong is told where it is wrong, and products of another promotion by name', async () => {
  const [mouse = ''] = await products({ Mouse: 10 });
  const promotions = stage.system.promotionsClient();
  const at = (fromNow: number) => new Date(Date.now() + fromNow).toISOString();
  const tomorrow = { startsAt: at(24 * hour), endsBefore: at(26 * hour), onRefusal: 'skip' } as const;
  await promotions.schedule({ name: 'First', products: [mouse], percent: 10, ...tomorrow });
  await using shown = await stage.openLive({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
  const { dialog } = shown;
  await box(shown, 'Mouse').check();
  await shown.page.locator('#schedule-selected').click();
  const schedule = dialog.getByRole('button', { name: 'Schedule', exact: true });
  await schedule.click();
  for (const fault of ['A name is missing.', 'A percentage is a number', 'An end is missing.'])
    await dialog.getByText(fault).waitFor();
  await shown.page.locator('#schedule-name:focus').waitFor();
  expect(await shown.obstacles()).toEqual([]);
  expect(await shown.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);

  await dialog.getByLabel('Name').fill('Second');
  await dialog.getByLabel('Prices', { exact: true }).selectOption('An amount off');
  await dialog.getByLabel('Amount', { exact: true }).fill('3');
  await dialog.getByLabel('Starts').fill(fieldOf(25 * hour));
  await dialog.getByLabel('Ends before').fill(fieldOf(24 * hour));
  await schedule.click();
  await dialog.getByText('The end must be after the start.').waitFor();
  await dialog.getByLabel('Ends before').fill(fieldOf(27 * hour));
  await schedule.click();
  await dialog.getByText(/^Product Mouse is in promotion .* at that time\.$/).waitFor();
  await shown.page.keyboard.press('Escape');
  // Products that another selection replaces are not forgotten, and neither is what was typed.
  await shown.page.locator('#schedule-selected').click();
  expect(await dialog.getByLabel('Name').inputValue()).toBe('Second');
  expect(shown.faults).toEqual([]);
});

/** Selects the product and presses Schedule. The request waits until it is released; Escape closes the dialog. */
async function scheduleHeld(shown: CataloguePage, product: string, name: string): Promise<() => void> {
  const released = Promise.withResolvers<void>();
  await shown.page.route(/\/promotions$/, async (route: Route) => {
    if (route.request().method() === 'POST') await released.promise;
    await route.continue();
  });
  await box(shown, product).check();
  await shown.page.locator('#schedule-selected').click();
  await shown.dialog.getByLabel('Name').fill(name);
  await shown.dialog.getByLabel('Percent', { exact: true }).fill('10');
  await shown.dialog.getByLabel('Ends before').fill(fieldOf(hour));
  await shown.dialog.getByRole('button', { name: 'Schedule', exact: true }).click();
  await shown.dialog.getByText('Scheduling', { exact: true }).waitFor();
  await shown.page.keyboard.press('Escape');
  await shown.dialog.waitFor({ state: 'hidden' });
  return released.resolve;
}

test('a refusal that comes after the dialog was closed is shown on the page', async () => {
  const [mouse = ''] = await products({ Mouse: 10 });
  await using shown = await stage.openLive();
  const release = await scheduleHeld(shown, 'Mouse', 'Late');
  const [startsAt = '', endsBefore = ''] = [0, 2 * hour].map((fromNow) => new Date(Date.now() + fromNow).toISOString());
  const promotions = stage.system.promotionsClient();
  await promotions.schedule({ name: 'First', products: [mouse], price: 5, startsAt, endsBefore, onRefusal: 'skip' });
  release();
  await shown.page.getByText(/^The promotion .Late.: Product Mouse is in promotion .* at that time\.$/).waitFor();
  // What was typed is still there.
  await shown.page.locator('#schedule-selected').click();
  expect(await shown.dialog.getByLabel('Name').inputValue()).toBe('Late');
  expect(await shown.page.locator('#unsaved').isVisible()).toBe(false);
  expect(shown.faults).toEqual([]);
});

test('an answer that comes after the dialog was opened again leaves what was typed and selected since', async () => {
  await products({ Mouse: 10, Lamp: 20 });
  await using shown = await stage.openLive();
  const release = await scheduleHeld(shown, 'Mouse', 'Early');
  await box(shown, 'Lamp').check();
  await shown.page.locator('#schedule-selected').click();
  await shown.dialog.getByLabel('Name').fill('Second');
  release();
  await shown.page.getByText(/^Scheduled .Early.\.$/).waitFor({ state: 'attached' });
  expect(await shown.dialog.getByLabel('Name').inputValue()).toBe('Second');
  expect(await shown.dialog.getByLabel('Percent', { exact: true }).inputValue()).toBe('10');
  await shown.page.locator('#schedule-name:focus').waitFor();
  await shown.page.keyboard.press('Escape');
  await shown.page.getByText('1 selected').waitFor();
  expect(await box(shown, 'Lamp').isChecked()).toBe(true);
  expect(shown.faults).toEqual([]);
});

/** Schedules a promotion of the product for tomorrow; resolves with its id. */
async function scheduleTomorrow(product: string, name: string): Promise<string> {
  const [startsAt = '', endsBefore = ''] = [24, 25].map((hours) => new Date(Date.now() + hours * hour).toISOString());
  const sale = { name, products: [product], percent: 10, startsAt, endsBefore, onRefusal: 'skip' } as const;
  return (await stage.system.promotionsClient().schedule(sale)).id;
}

test('a promotion that is opened again during an operation has its buttons, and the page shows what is refused', async () => {
  const [mouse = ''] = await products({ Mouse: 10 });
  const id = await scheduleTomorrow(mouse, 'Tomorrow');
  await using shown = await stage.openLive();
  const { dialog, page } = shown;
  const released = Promise.withResolvers<void>();
  await page.route(`**/promotions/${id}/cancel`, async (route: Route) => {
    await released.promise;
    const json = { type: 'not-possible', title: 'Not possible', status: 409, detail: 'Not now' };
    await route.fulfill({ status: 409, json, headers: { 'access-control-allow-origin': '*' } });
  });
  await section(shown).locator('summary').click();
  await line(shown, 'Tomorrow').getByRole('button').click();
  await dialog.getByRole('button', { name: 'Cancel promotion' }).click();
  await dialog.getByRole('button', { name: 'Cancel it for good?' }).click();
  await page.locator('#promotion-cancel[aria-disabled="true"]').waitFor();
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  await line(shown, 'Tomorrow').getByRole('button').click();
  await dialog.getByRole('button', { name: 'Cancel promotion', disabled: false }).waitFor();
  released.resolve();
  await page.getByText(/^.Tomorrow. was not cancelled\. Not now\.$/).waitFor();
  expect(await page.locator('#promotion-fault').textContent()).toBe('');
  await page.unrouteAll();
  await dialog.getByRole('button', { name: 'Cancel promotion' }).click();
  await dialog.getByRole('button', { name: 'Cancel it for good?' }).click();
  await dialog.getByText('Cancelled before its start', { exact: true }).waitFor();
  expect(shown.faults).toEqual([]);
});

test('a refused promotion counts all products of other promotions, and names the first', async () => {
  const [mouse = ''] = await products({ Mouse: 10 });
  const id = await scheduleTomorrow(mouse, 'Refused');
  const refused = { state: 'refused', clashCount: 250, clashes: [{ product: mouse, promotion: id }] };
  const json = { ...(await stage.system.promotionsClient().get(id)), ...refused };
  await using shown = await stage.openLive();
  await shown.page.route(`**/promotions/${id}`, (route: Route) =>
    route.fulfill({ json, headers: { 'access-control-allow-origin': '*' } }),
  );
  await section(shown).locator('summary').click();
  await line(shown, 'Refused').getByRole('button').click();
  await shown.dialog.getByRole('heading', { name: 'In other promotions at that time (250)' }).waitFor();
  await shown.dialog.getByText('And 249 more').waitFor();
  await shown.page.unrouteAll();
  expect(shown.faults).toEqual([]);
});

test('a promotion tells which products took no part or were kept, and why', async () => {
  const [mouse = '', lamp = '', desk = ''] = await products({ Mouse: 10, Lamp: 20, Desk: 30 });
  const catalogue = stage.system.client();
  const promotions = stage.system.promotionsClient();
  const [startsAt, endsBefore] = [0, hour].map((fromNow) => new Date(Date.now() + fromNow).toISOString());
  const { id } = await promotions.schedule({
    name: 'Kept',
    products: [mouse, lamp, desk],
    percent: 50,
    startsAt: startsAt ?? '',
    endsBefore: endsBefore ?? '',
    onRefusal: 'skip',
  });
  await expect.poll(async () => (await promotions.get(id)).state, within).toBe('active');
  await catalogue.change(mouse, { price: 7 });
  await catalogue.discontinue(desk);
  await promotions.cancel(id);
  await expect.poll(async () => (await promotions.get(id)).state, within).toBe('undone');

  await using shown = await stage.openLive({ viewport: { width: 360, height: 740 } });
  await section(shown).locator('summary').click();
  await line(shown, 'Kept').getByRole('button').click();
  await shown.dialog.getByText(/Mouse. – Someone else changed the price: price 7.00 since /).waitFor();
  await shown.dialog.getByRole('heading', { name: 'Discontinued meanwhile (1)' }).waitFor();
  expect(await shown.obstacles()).toEqual([]);
  expect(await shown.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  expect(shown.faults).toEqual([]);
});

test('the dialog fits a phone, however long the search is that it names', async () => {
  await products({ Mouse: 10 });
  await using shown = await stage.openLive({ viewport: { width: 360, height: 740 } });
  await shown.page.locator('#search').fill('mouse '.repeat(33));
  await section(shown).locator('summary').click();
  await shown.page.locator('#schedule-open').click();
  await shown.dialog.getByRole('option', { name: /^All products named/ }).waitFor({ state: 'attached' });
  const tooWide =
    '(() => { const { scrollWidth, clientWidth } = document.querySelector("#schedule"); return scrollWidth - clientWidth; })()';
  expect(await shown.page.evaluate(tooWide)).toBeLessThanOrEqual(0);
  expect(await shown.page.evaluate('document.documentElement.scrollWidth - innerWidth')).toBeLessThanOrEqual(0);
  expect(shown.faults).toEqual([]);
});

test('a selection lasts while other products are searched, and loses what was discontinued', async () => {
  const [mouse = ''] = await products({ Mouse: 10, Lamp: 20 });
  await using shown = await stage.openLive();
  await shown.row('Lamp').waitFor();
  await shown.page.getByRole('checkbox', { name: 'Select all products shown' }).check();
  await shown.page.getByText('2 selected').waitFor();
  await shown.search('Lamp');
  await expect.poll(() => shown.rows(), within).toEqual(['Lamp 20.00']);
  await shown.page.getByText('2 selected').waitFor();
  await stage.system.client().discontinue(mouse);
  await shown.page.getByText('1 selected').waitFor();
  await shown.page.getByRole('button', { name: 'Clear selection' }).click();
  await shown.page.locator('#products:focus').waitFor();
  expect(await box(shown, 'Lamp').isChecked()).toBe(false);
  expect(shown.faults).toEqual([]);
});

test.each([
  ['on a phone', { width: 360, height: 740 }],
  ['on a low screen', { width: 800, height: 500 }],
])('while products are selected, what has the focus is in sight, %s', async (_, viewport) => {
  await products(Object.fromEntries(Array.from({ length: 20 }, (_unused, i) => [`Product ${i}`, 10])));
  await using shown = await stage.openLive({ viewport });
  await box(shown, 'Product 1').check();
  const { keyboard } = shown.page;
  // Beyond the first control nothing has the focus.
  const isCovered = `(() => {
    const [focused, { x, y, width, height }] = [document.activeElement, document.activeElement.getBoundingClientRect()];
    if (focused === document.body) return false;
    const top = document.elementFromPoint(x + width / 2, y + height / 2);
    return !(focused === top || focused.contains(top));
  })()`;
  const covered: string[] = [];
  for (const key of [
    ...Array<string>(19).fill('ArrowDown'),
    ...Array<string>(19).fill('ArrowUp'),
    ...Array<string>(30).fill('Shift+Tab'),
  ]) {
    await keyboard.press(key);
    if (await shown.page.evaluate<boolean>(isCovered)) covered.push(key);
  }
  expect(covered).toEqual([]);
});

test('while promotions is away the page works, and the section alone says so', async () => {
  await products({ Mouse: 10 });
  await stage.system.services.promotions.kill();
  await using shown = await stage.openLive();
  await shown.row('Mouse').click();
  await shown.save({ price: '11' });
  await expect.poll(() => shown.rows(), within).toEqual(['Mouse 11.00']);
  expect(await shown.page.getByRole('alert').filter({ hasText: /./ }).count()).toBe(0);
  await section(shown).locator('summary').click();
  const away = section(shown).getByText('The promotions cannot be loaded at the moment (promotions does not answer).');
  await away.waitFor();
  expect(await shown.page.getByText('There are no promotions.').isVisible()).toBe(false);
  expect(await shown.obstacles()).toEqual([]);
  await stage.system.services.promotions.start();
  await away.waitFor({ state: 'hidden' });
  expect(shown.faults).toEqual([]);
});
