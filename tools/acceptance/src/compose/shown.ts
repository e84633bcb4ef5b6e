import { waitFor } from '@catalogue/testing';
import type { Told } from '../load.ts';

interface Shown {
  id: string;
  name: string;
  price: number;
  version: number;
}

/**
 * The differences between query-api, once it has caught up, and what clients were told, a sentence each. For products with an
 * unanswered command only the version is compared: it must not be lower than acknowledged.
 */
export async function differences(url: string, told: ReadonlyMap<string, Told>): Promise<string[]> {
  let found: string[] = [];
  await waitFor(
    'query-api to show what was acknowledged',
    async () => {
      found = compare(await listAll(url), told);
      return found.length === 0;
    },
    // A worker whose Kafka client stalls ends itself after 30 s and is restarted.
    { within: 120_000, every: 500 },
  ).catch(() => undefined);
  return found;
}

function compare(shown: ReadonlyMap<string, Shown>, told: ReadonlyMap<string, Told>): string[] {
  return [...told.values()].flatMap(({ id, name, price, version, discontinued, uncertain }) => {
    const product = shown.get(id);
    if (uncertain) return product === undefined || product.version >= version ? [] : [`${id} is below ${version}`];
    if (discontinued) return product === undefined ? [] : [`${id} is shown and was discontinued`];
    if (product?.name === name && product.price === price && product.version === version) return [];
    return [`Clients were told ${JSON.stringify({ name, price, version })}, found ${JSON.stringify(product)}`];
  });
}

async function listAll(url: string): Promise<Map<string, Shown>> {
  const products = new Map<string, Shown>();
  for (let next: string | undefined = '/products?limit=500'; next !== undefined; ) {
    const response: Response = await fetch(url + next);
    for (const product of (await response.json()) as Shown[]) products.set(product.id, product);
    next = /<([^<>]*)>; rel="next"/.exec(response.headers.get('link') ?? '')?.[1];
  }
  return products;
}
