import { beforeEach, expect, test } from 'vitest';
import { Stage } from './stage.ts';

// Keys that act wherever the focus is (WCAG 2.1.4), and what is told without taking the focus (4.1.3).

const stage = new Stage();
beforeEach(async () => stage.empty());
const within = { timeout: 60_000, interval: 20 };

test.each([
  ['in this browser', '', false],
  [
    'until the page is left, where a browser stores nothing',
    `Object.defineProperty(globalThis, 'localStorage', { get() { throw new DOMException('No', 'SecurityError'); } })`,
    true,
  ],
])('shortcuts of one key can be switched off, and stay off %s', async (_, script, isOnAgain) => {
  await using shown = await stage.open({}, 'about:blank');
  const { page, dialog } = shown;
  if (script !== '') await page.addInitScript(script);
  await page.goto(stage.url);
  await shown.live();
  const keys = page.getByLabel('Shortcuts');
  const announced = async () =>
    Promise.all(['search', 'new'].map((id) => page.locator(`#${id}`).getAttribute('aria-keyshortcuts')));
  /** What the keys did. */
  const press = async () => {
    await page.evaluate('document.activeElement.blur()');
    await page.keyboard.press('/');
    const isSearching = await page.evaluate<boolean>(`document.activeElement.id === 'search'`);
    await page.evaluate('document.activeElement.blur()');
    await page.keyboard.press('n');
    const isCreating = await dialog.isVisible();
    await page.keyboard.press('Escape');
    return { isSearching, isCreating, announced: await announced() };
  };
  const [on, off] = [
    { isSearching: true, isCreating: true, announced: ['/', 'n'] },
    { isSearching: false, isCreating: false, announced: [null, null] },
  ];
  expect(await press()).toEqual(on);
  await keys.uncheck();
  expect(await press()).toEqual(off);
  await page.reload();
  await shown.live();
  expect(await press()).toEqual(isOnAgain ? on : off);
  await keys.setChecked(true);
  expect(await press()).toEqual(on);
  expect(shown.faults).toEqual([]);
});

test('the result of a search is one status message for all that is typed, and changes of others are none', async () => {
  const catalogue = stage.system.client();
  for (const name of ['Mouse', 'Blue mouse', 'Lamp']) await catalogue.create({ name, price: 1 });
  await using shown = await stage.open({}, 'about:blank');
  const { page } = shown;
  await page.clock.install();
  await page.goto(stage.url);
  await shown.live();
  await expect.poll(async () => (await shown.rows()).length, within).toBe(3);
  await page.clock.pauseAt(Date.now() + 600_000);
  await page.evaluate(`globalThis.told = []; (() => {
    const status = document.querySelector('#said[role=status]');
    new MutationObserver(() => told.push(status.textContent)).observe(status, { childList: true, subtree: true });
  })()`);
  const told = async () => page.evaluate<string[]>('told');
  /** Until the page, which draws by its own clock, shows so many rows. */
  const showing = async (count: number) => {
    const rows = async () => {
      await page.clock.runFor(20);
      return (await shown.rows()).length;
    };
    await expect.poll(rows, within).toBe(count);
  };
  for (const text of ['m', 'mo', 'mous']) {
    await shown.search(text);
    await page.clock.runFor(150);
  }
  // The first two texts find the same two products, so that the rows do not say which answer has come.
  const toldSoon = async () => {
    await page.clock.runFor(1_000);
    return await told();
  };
  await expect.poll(toldSoon, within).toEqual(['2 products for \u2068mous\u2069']);
  await catalogue.create({ name: 'Red mouse', price: 1 });
  const searched = async () => {
    await page.clock.runFor(1_000);
    return (await shown.rows()).length;
  };
  await expect.poll(searched, within).toBe(3);
  await page.clock.runFor(1_000);
  expect(await told()).toHaveLength(1);
  await shown.search('no such thing');
  await page.clock.runFor(150);
  await showing(0);
  await page.clock.runFor(1_000);
  expect(await told()).toEqual(['2 products for \u2068mous\u2069', 'No product is like \u2068no such thing\u2069.']);
  expect(shown.faults).toEqual([]);
});
