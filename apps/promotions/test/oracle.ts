import { expect } from 'vitest';
import type { Pipeline } from './pipeline.ts';

/** A request id of a promotion's step. */
const isStep = `metadata ->> 'requestId' ~ '^[0-9a-f-]{36}/.+/(apply|give-back)/[0-9]+$'`;

/**
 * Checks products whose promotions are over, by the event store: each has the last price that someone else gave it, and no promotion
 * changed one more than once in each direction.
 */
export async function expectGivenBack({ events }: Pipeline, products: readonly string[]): Promise<void> {
  const wrong = await events`
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
  expect(wrong).toEqual([]);
  const repeated = await events`
    select split_part(metadata ->> 'requestId', '/', 1) as promotion, stream, split_part(metadata ->> 'requestId', '/', 3) as phase
    from events where stream = any(${products as string[]}) and ${events.unsafe(isStep)}
    group by 1, 2, 3 having count(*) > 1`;
  expect(repeated).toEqual([]);
}
