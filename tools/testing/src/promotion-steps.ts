import type { Sql } from '@catalogue/postgres';

/** Events whose request id is that of a promotion's step. */
const isStep = `metadata ->> 'requestId' ~ '^[0-9a-f-]{36}/.+/(apply|give-back)/[0-9]+$'`;

/**
 * Looks in the event store at products whose promotions are over. Each must have the last price that someone else gave
 * it, and no promotion may have changed one more than once in each direction. Returns every violation in a sentence.
 */
export async function findUnreturnedPrices(events: Sql, products: readonly string[]): Promise<string[]> {
  const kept = await events<{ stream: string; price: string; own: string }[]>`
    select stream, price, own from (
      select distinct on (stream) stream, payload ->> 'price' as price from events
      where stream = any(${products as string[]}) and payload ? 'price' order by stream, version desc
    ) last join (
      select distinct on (stream) stream, payload ->> 'price' as own from events
      where stream = any(${products as string[]}) and payload ? 'price' and not coalesce(${events.unsafe(isStep)}, false)
      order by stream, version desc
    ) others using (stream)
    where price <> own
      and not exists (select from events gone where gone.stream = last.stream and gone.type = 'ProductDiscontinued')`;
  const repeated = await events<{ promotion: string; stream: string; phase: string }[]>`
    select split_part(metadata ->> 'requestId', '/', 1) as promotion, stream, split_part(metadata ->> 'requestId', '/', 3) as phase
    from events where stream = any(${products as string[]}) and ${events.unsafe(isStep)}
    group by 1, 2, 3 having count(*) > 1`;
  return [
    ...kept.map(({ stream, price, own }) => `Product ${stream} has the price ${price}, and should have ${own} again`),
    ...repeated.map(({ promotion, stream, phase }) => `Promotion ${promotion} changed ${stream} twice to ${phase}`),
  ];
}

/** How often promotions changed prices of these products. */
export async function countSteps(
  events: Sql,
  products: readonly string[],
): Promise<{ applied: number; givenBack: number }> {
  const [counts] = await events<{ applied: number; givenBack: number }[]>`
    select (count(*) filter (where metadata ->> 'requestId' like '%/apply/%'))::integer as applied,
      (count(*) filter (where metadata ->> 'requestId' like '%/give-back/%'))::integer as "givenBack"
    from events where stream = any(${products as string[]}) and ${events.unsafe(isStep)}`;
  return counts ?? { applied: 0, givenBack: 0 };
}
