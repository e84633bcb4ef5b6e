import { type Catalogue, isProblem, type Promotions } from '@catalogue/client';
import { randomFrom, seed, waitFor } from '@catalogue/testing';
import { expect, test } from 'vitest';
import { System } from './system.ts';

const whiteSpace = [' ', '\n', '\t', '\u001c', '\u0085', '\u00a0', '\u1680', '\u2028', '\u3000'];
/** Variation selectors, joiners, marks, control characters, signs of several scripts, and letters with and without spaces. */
const others = '\ufe0f \u200b \u00ad \u0301 \u20dd \u0001 \u180e & + ! % ، । ־ · ° ½ ¨ a mou Mouse É 中 文 가'.split(
  ' ',
);
const random = randomFrom('chosen');
const textOf = (length: number) =>
  Array.from({ length: random.int(1, length) }, () => random.of([whiteSpace, others, others]))
    .map(random.of)
    .join('');

/** The products that a promotion would choose, in the order of ids. */
async function previewed(promotions: Promotions, q: string): Promise<string[]> {
  const endsBefore = new Date(Date.now() + 3_600_000).toISOString();
  const asked = { name: 'Sale', query: { q }, percent: 20, onRefusal: 'skip', endsBefore } as const;
  try {
    return (await promotions.preview(asked)).items.map(({ product }) => product);
  } catch (error) {
    if (isProblem(error, 'invalid-request')) return [];
    throw error;
  }
}

async function listed(catalogue: Catalogue, q: string): Promise<string[]> {
  const products = await Array.fromAsync(catalogue.list({ q }));
  return products.map(({ id }) => id).toSorted((a, b) => (a < b ? -1 : 1));
}

test(`a promotion chooses by a text only what a search for it lists, whatever its white space and signs (seed ${seed})`, async () => {
  await using system = await System.start({ withPromotions: true });
  const catalogue = system.client();
  const promotions = system.promotionsClient();
  const named = [
    'Salt & pepper',
    '1 + 1',
    'Mouse، big',
    'a°',
    '&',
    '中文 &',
    ...Array.from({ length: 60 }, () => textOf(6)),
  ];
  const names = new Map<string, string>();
  for (const name of named) {
    // Not every text is a name.
    const made = await catalogue.create({ name, price: 5 }).catch((error: unknown) => {
      if (!isProblem(error, 'invalid-request')) throw error;
    });
    if (made !== undefined) names.set(made.id, name);
  }
  await waitFor(
    'all products to be listed',
    async () => (await Array.fromAsync(catalogue.list())).length === names.size,
  );
  const known = async () => {
    const asked = { name: 'Sale', query: { minPrice: 5 }, percent: 20, onRefusal: 'skip' } as const;
    const endsBefore = new Date(Date.now() + 3_600_000).toISOString();
    return (await promotions.preview({ ...asked, endsBefore }).catch(() => undefined))?.products === names.size;
  };
  await waitFor('promotions to know all products', known);
  const wrong: object[] = [];
  const texts = [
    '\ufe0f\n&',
    '\ufe0f\u2028&',
    'a\n&',
    '،',
    '\ufe0f، &',
    ...Array.from({ length: 250 }, () => textOf(5)),
  ];
  for (const q of texts.filter((text) => text.trim() !== '')) {
    const chosen = await previewed(promotions, q);
    const found = await listed(catalogue, q);
    const spaced = await listed(
      catalogue,
      whiteSpace.reduce((text, white) => text.replaceAll(white, ' '), q),
    );
    const extra = chosen.filter((id) => !found.includes(id)).map((id) => names.get(id));
    if (extra.length > 0) wrong.push({ q: JSON.stringify(q), extra });
    if (found.join() !== spaced.join())
      wrong.push({ q: JSON.stringify(q), found: found.length, spaced: spaced.length });
  }
  expect(wrong).toEqual([]);
});
