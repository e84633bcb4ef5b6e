import { productsWithGaps, seedProducts, storedEvents } from './log.ts';
import { memory, type Scenario, type Target } from './scenario.ts';

interface Options {
  name: string;
  title: string;
  products: number;
  targets: Target[];
}

/** New prices for random products, 32 connections, relay and worker stopped. No change may be lost or refused. */
export function changes({ name, title, products, targets }: Options): Scenario {
  return {
    name,
    title,
    mode: 'write',
    targets: [...targets, memory],
    measure: async (bed) => {
      const ids = await seedProducts(bed, products);
      await bed.checkpoint();
      const { measured, acknowledged } = await bed.load({ connections: 32, requests: { kind: 'change', ids } });
      const changed = (await storedEvents(bed)) - products;
      const gaps = await productsWithGaps(bed);
      if (changed !== acknowledged || gaps > 0) {
        throw new Error(`${acknowledged} changes were acknowledged, ${changed} are stored, ${gaps} products have gaps`);
      }
      return measured;
    },
  };
}
