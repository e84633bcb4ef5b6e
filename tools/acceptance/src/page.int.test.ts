import { beforeEach, expect, test } from 'vitest';
import { Stage } from './stage.ts';

const stage = new Stage();
beforeEach(async () => stage.empty());
const within = { timeout: 60_000, interval: 20 };

test('a change in one browser appears in another one, in the notation of its language', async () => {
  await using italian = await stage.openLive({ locale: 'it-IT' });
  await using english = await stage.openLive({ locale: 'en-GB' });
  await english.page.getByText('The catalogue is empty').waitFor();
  await italian.create('Mouse', '39,90');
  await expect.poll(() => english.rows(), within).toEqual(['Mouse 39.90']);
  await italian.create('Tastiera', '1.234,5');
  await expect.poll(() => english.rows(), within).toEqual(['Mouse 39.90', 'Tastiera 1,234.50']);

  await english.row('Mouse').click();
  await english.save({ name: 'Zoo mouse', price: '7' });
  await expect.poll(() => italian.rows(), within).toEqual(['Tastiera 1234,50', 'Zoo mouse 7,00']);

  await italian.row('Zoo mouse').click();
  await italian.dialog.getByText('2. Changed: name').waitFor();
  await italian.dialog.getByRole('button', { name: 'Discontinue' }).click();
  await italian.dialog.getByRole('button', { name: 'Discontinue for good?' }).click();
  await expect.poll(() => english.rows(), within).toEqual(['Tastiera 1,234.50']);
  // The clock of others' changes is the catalogue's: no lag of nought.
  await expect
    .poll(() => english.footer.textContent(), within)
    .toMatch(/^\s*Live\s+Read side [1-9]\d*(\.\d)? m?s behind\s+1 product\s+Shortcuts . and n\s*$/);
  expect([...italian.faults, ...english.faults]).toEqual([]);
});

test('search, order and price range apply at each key, and to streamed changes', async () => {
  const catalogue = stage.system.client();
  for (const [name, price] of [
    ['Blue mouse', 10],
    ['Keyboard', 20],
    ['Red mouse', 30],
  ] as const)
    await catalogue.create({ name, price });
  await using shown = await stage.openLive();
  await expect.poll(() => shown.rows(), within).toEqual(['Blue mouse 10.00', 'Keyboard 20.00', 'Red mouse 30.00']);
  await shown.page.getByRole('button', { name: 'Price' }).click();
  await shown.page.getByRole('button', { name: 'Price' }).click();
  await expect.poll(() => shown.rows(), within).toEqual(['Red mouse 30.00', 'Keyboard 20.00', 'Blue mouse 10.00']);
  const heading = shown.page.getByRole('columnheader', { name: 'Price' });
  await expect.poll(() => heading.getAttribute('aria-sort'), within).toBe('descending');
  await shown.page.getByLabel('Price from').fill('15');
  await expect.poll(() => shown.rows(), within).toEqual(['Red mouse 30.00', 'Keyboard 20.00']);
  await catalogue.create({ name: 'Lamp', price: 25 });
  await catalogue.create({ name: 'Pen', price: 1 });
  await expect.poll(() => shown.rows(), within).toEqual(['Red mouse 30.00', 'Lamp 25.00', 'Keyboard 20.00']);
  await shown.search('MOUS');
  await expect.poll(() => shown.rows(), within).toEqual(['Red mouse 30.00']);
  await catalogue.create({ name: 'Green mouse', price: 40 });
  await expect.poll(() => shown.rows(), within).toEqual(['Green mouse 40.00', 'Red mouse 30.00']);
  await shown.page.reload();
  await expect.poll(() => shown.rows(), within).toEqual(['Green mouse 40.00', 'Red mouse 30.00']);
  await shown.search('no such thing at all');
  await shown.page.getByText('No product is like that.').waitFor();
  await shown.page.getByLabel('Price from').fill('1e3');
  await shown.page.getByText('“1e3” cannot be read as a price: here one is written like 39.90.').waitFor();
  expect(shown.faults).toEqual([]);
});

test('HTML and SQL in any field are shown as text', async () => {
  const names = [
    '<img src=x onerror="alert(1)">',
    `'; drop table products; --`,
    '<script>alert(1)</script>',
    '${7*7}{{7*7}}',
  ];
  await using shown = await stage.openLive();
  for (const name of names) await shown.create(name, '1');
  await expect
    .poll(async () => (await shown.rows()).toSorted(), within)
    .toEqual(names.map((name) => `${name} 1.00`).toSorted());
  await shown.row('<script>alert(1)</script>').click();
  await shown.dialog.getByText('1. Created: name').waitFor();
  expect(await shown.dialog.getByRole('heading').first().textContent()).toBe('<script>alert(1)</script>');
  await shown.save({ price: `1'; drop table products; --` });
  await shown.dialog.getByText('cannot be read as a price').waitFor();
  await shown.page.keyboard.press('Escape');
  for (const name of names) {
    await shown.search(name);
    await expect.poll(() => shown.rows(), within).toContain(`${name} 1.00`);
  }
  expect(shown.faults).toEqual([]);
});

test('an invalid value is refused with a sentence at its field', async () => {
  await using shown = await stage.openLive();
  await shown.create('', '39,90');
  const [name, price] = [shown.dialog.getByLabel('Name'), shown.dialog.getByLabel('Price')];
  await shown.dialog.getByText('A name is missing.').waitFor();
  expect(await name.getAttribute('aria-invalid')).toBe('true');
  await shown.dialog.getByText('“39,90” cannot be read as a price: here one is written like 39.90.').waitFor();
  await shown.save({ name: '\u200b', price: '39.90' });
  await shown.dialog.getByText('Must be well-formed Unicode with a visible character').waitFor();
  expect(await price.getAttribute('aria-invalid')).toBeNull();
  await shown.save({ name: 'Mouse' });
  await expect.poll(() => shown.rows(), within).toEqual(['Mouse 39.90']);
});

test('everything can be done with the keyboard alone', async () => {
  await using shown = await stage.openLive();
  const { keyboard } = shown.page;
  for (const name of ['Anvil', 'Bolt', 'Crank']) {
    await keyboard.press('n');
    await keyboard.type(name);
    await keyboard.press('Tab');
    await keyboard.type('1');
    await keyboard.press('Enter');
    await shown.row(name).waitFor();
  }
  await shown.row('Anvil').focus();
  await keyboard.press('ArrowDown');
  await keyboard.press('Enter');
  await keyboard.type('Zinc');
  await keyboard.press('Enter');
  await expect.poll(() => shown.rows(), within).toEqual(['Anvil 1.00', 'Crank 1.00', 'Zinc 1.00']);
  // It moved, and kept the focus.
  await expect.poll(() => shown.page.evaluate('document.activeElement.textContent'), within).toBe('Zinc');
  await keyboard.press('/');
  await keyboard.type('anvi');
  await expect.poll(() => shown.rows(), within).toEqual(['Anvil 1.00']);
});

test('the focus follows its product, and moves to a neighbour when the product disappears', async () => {
  const catalogue = stage.system.client();
  const [, , crank] = await Promise.all(
    ['Anvil', 'Bolt', 'Crank', 'Drill'].map((name) => catalogue.create({ name, price: 1 })),
  );
  await using shown = await stage.openLive();
  await shown.row('Crank').focus();
  const focused = () => shown.page.evaluate<string>('document.activeElement.textContent');
  await catalogue.change(crank?.id ?? '', { name: 'Axe' });
  await expect.poll(() => shown.rows(), within).toEqual(['Anvil 1.00', 'Axe 1.00', 'Bolt 1.00', 'Drill 1.00']);
  await expect.poll(focused, within).toBe('Axe');
  await catalogue.discontinue(crank?.id ?? '');
  await expect.poll(() => shown.rows(), within).toEqual(['Anvil 1.00', 'Bolt 1.00', 'Drill 1.00']);
  await expect.poll(focused, within).toBe('Bolt');
});
