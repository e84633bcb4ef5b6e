import type { Bed } from '../bed.ts';

/** How many events the event store holds. */
export async function storedEvents({ writeDb }: Bed): Promise<number> {
  const [row] = await writeDb<{ events: number }[]>`select count(*) as events from events`;
  return row?.events ?? 0;
}

/** How many products have a gap in their versions. */
export async function productsWithGaps({ writeDb }: Bed): Promise<number> {
  const [row] = await writeDb<{ products: number }[]>`
    select count(*) as products from (select from events group by stream having max(version) <> count(*)) as gaps`;
  return row?.products ?? 0;
}

/** Fills an empty log with new products, and returns their ids. */
export async function seedProducts(bed: Bed, count: number): Promise<string[]> {
  await bed.empty();
  const connections = Math.min(count, 32);
  await bed.load({ connections, count, requests: { kind: 'create' }, warmUp: 0, duration: 60_000 });
  const rows = await bed.writeDb<{ stream: string }[]>`select stream from events`;
  return rows.map(({ stream }) => stream);
}
