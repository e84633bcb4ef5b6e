import { beforeEach, expect, test } from 'vitest';
import type { CataloguePage } from './catalogue-page.ts';
import { Stage } from './stage.ts';

// What an open page asks of query-api while the catalogue changes. Its clock is the test's, so that a minute is soon over.

const stage = new Stage();
beforeEach(async () => stage.empty());
const within = { timeout: 60_000, interval: 20 };
const [rounds, roundMs] = [15, 4_000];

/** Counts how often the page loads its list. */
function countLoads({ page }: CataloguePage): { loads: number } {
  const counted = { loads: 0 };
  page.on('request', (request) => (counted.loads += /\/products(\?|$)/.test(request.url()) ? 1 : 0));
  return counted;
}

/** Opens a search for mice, with a mouse. */
async function openSearch() {
  const catalogue = stage.system.client();
  const mouse = await catalogue.create({ name: 'Mouse', price: 1 });
  const shown = await stage.open({}, 'about:blank');
  await shown.page.clock.install();
  await shown.page.goto(`${stage.url}/?q=mouse&maxPrice=1000`);
  await shown.live();
  await expect.poll(() => shown.rows(), within).toEqual(['Mouse 1.00']);
  /** A minute with a change every few seconds, and one of the mouse after it, which shows that the page has heard both. */
  const liveThroughMinute = async (change: (round: number) => Promise<unknown>) => {
    for (let round = 1; round <= rounds; round++) {
      await change(round);
      await catalogue.change(mouse.id, { price: round + 1 });
      const rows = async () => {
        // Rows are drawn with the next frame.
        await shown.page.clock.runFor(20);
        return shown.rows();
      };
      await expect.poll(rows, within).toContain(`Mouse ${round + 1}.00`);
      await shown.page.clock.fastForward(roundMs);
    }
  };
  return { catalogue, shown, liveThroughMinute };
}

test('changes that a search cannot show do not reload it', async () => {
  const { catalogue, shown, liveThroughMinute } = await openSearch();
  await using _ = shown;
  const { id } = await catalogue.create({ name: 'Keyboard', price: 1 });
  const dear = await catalogue.create({ name: 'Mouse of gold', price: 2_000 });
  const counted = countLoads(shown);
  await liveThroughMinute(async (round) => {
    await catalogue.change(id, { price: round + 1 });
    await catalogue.change(dear.id, { price: 2_000 + round });
  });
  expect(counted.loads).toBe(0);
});

test('changes that a search may show reload it at growing intervals until the user acts', async () => {
  const { catalogue, shown, liveThroughMinute } = await openSearch();
  await using _ = shown;
  const counted = countLoads(shown);
  let name = '';
  await liveThroughMinute(async (round) => catalogue.create({ name: (name = `Mouse ${round}`), price: 5 }));
  expect(counted.loads).toBeGreaterThanOrEqual(4);
  expect(counted.loads).toBeLessThanOrEqual(8);
  await shown.page.clock.fastForward(30_000);
  await shown.page.clock.resume();
  await shown.row(name).waitFor();
});

test('every product that a search finds appears in it at once, in any spelling of both', async () => {
  const catalogue = stage.system.client();
  await using shown = await stage.openLive();
  for (const [query, name] of [
    ['mosue', 'Mouse, ergonomic'],
    ['keybaord', 'Keyboard'],
    ['lamp blue', 'BLUE lamp'],
    ['cafe', 'Café'],
    ['strasse', 'Straße'],
    ['οδοσ', 'ΟΔΟΣΗΜΑ'],
    ['ёлка', 'Елка'],
    ['联想', '联想笔记本电脑'],
    ['@@', 'Sign @@'],
  ] as const) {
    await shown.search(query);
    await shown.page.getByText('No product is like that.').waitFor();
    await catalogue.create({ name, price: 1 });
    await expect.poll(() => shown.rows(), within).toEqual([`${name} 1.00`]);
  }
  expect(shown.faults).toEqual([]);
});
