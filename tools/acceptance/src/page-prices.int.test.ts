import { expect, test } from 'vitest';
import { Stage } from './stage.ts';

// The page with price-history beside the catalogue.

const stage = new Stage({ withPrices: true });
const within = { timeout: 60_000, interval: 20 };

test('a reduced product shows its prior price in the list and in its dialog, which draws the price line', async () => {
  const catalogue = stage.system.client();
  const { id } = await catalogue.create({ name: 'Mouse', price: 34.5 });
  await catalogue.create({ name: 'Lamp', price: 5 });
  await catalogue.change(id, { price: 30 });
  await using shown = await stage.openLive();
  const row = shown.page.getByRole('row', { name: 'Mouse' });
  await row.getByText('lowest price of the last 30 days: 34.50').waitFor();
  expect(await shown.page.getByText('lowest price').count()).toBe(1);

  await shown.row('Mouse').click();
  await shown.dialog.getByText('lowest price of the last 30 days: 34.50').waitFor();
  const picture = shown.dialog.getByRole('img', {
    name: 'Price line. Price: 30.00. Lowest price of the 30 days before: 34.50.',
  });
  await picture.waitFor();
  expect(
    await picture.evaluate((image) => (image as unknown as { naturalWidth: number }).naturalWidth),
  ).toBeGreaterThan(0);
  expect(await shown.obstacles()).toEqual([]);

  // A change of this page: the rise ends the reduction, and the page says so by itself.
  await shown.save({ price: '40' });
  await expect.poll(() => shown.page.getByText('lowest price').count(), within).toBe(0);
  expect(shown.faults).toEqual([]);
});

test('while price-history is away the page works as without it', async () => {
  const catalogue = stage.system.client();
  const { id } = await catalogue.create({ name: 'Desk', price: 100 });
  await catalogue.change(id, { price: 80 });
  await stage.system.services['price-history'].kill();
  await using shown = await stage.openLive();
  await shown.row('Desk').click();
  await shown.save({ price: '90' });
  await expect.poll(async () => (await catalogue.get(id)).price, within).toBe(90);
  expect(shown.faults).toEqual([]);
  await stage.system.services['price-history'].start();
  expect(await catalogue.priorPrice(id)).toMatchObject({ price: 90, prior: 80, isReduction: false });
});
