import type { Catalogue } from '@catalogue/client';
import { waitFor } from '@catalogue/testing';
import type { Told } from '../load.ts';
import { type Listed, listAll } from '../oracle.ts';

/**
 * The differences between query-api, once it has caught up, and what clients were told, a sentence each. For products with an
 * unanswered command only the version is compared: it must not be lower than acknowledged.
 */
export async function differences(catalogue: Catalogue, told: ReadonlyMap<string, Told>): Promise<string[]> {
  let found: string[] = [];
  await waitFor(
    'query-api to show what was acknowledged',
    async () => {
      found = compare(await listAll(catalogue), told);
      return found.length === 0;
    },
    // A worker whose Kafka client stalls ends itself after 30 s and is restarted.
    { within: 120_000, every: 500 },
  ).catch(() => undefined);
  return found;
}

function compare(shown: ReadonlyMap<string, Listed>, told: ReadonlyMap<string, Told>): string[] {
  return [...told.values()].flatMap(({ id, name, price, version, discontinued, uncertain }) => {
    const product = shown.get(id);
    if (uncertain) return product === undefined || product.version >= version ? [] : [`${id} is below ${version}`];
    if (discontinued) return product === undefined ? [] : [`${id} is shown and was discontinued`];
    if (product?.name === name && product.price === price && product.version === version) return [];
    return [`Clients were told ${JSON.stringify({ name, price, version })}, found ${JSON.stringify(product)}`];
  });
}
