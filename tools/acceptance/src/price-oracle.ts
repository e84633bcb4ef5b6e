import { isDeepStrictEqual } from 'node:util';
import { jsonCodec, type ProductEvent } from '@catalogue/contracts';
import { connect } from '@catalogue/postgres';
import { readTopic, waitFor } from '@catalogue/testing';
import type { System } from './system.ts';

interface Applied {
  from: number;
  to: number | null;
  cents: number;
  version: number;
}

/** Waits until the price lines equal the fold of the event store; returns every difference in a sentence. */
export async function mispriced(system: System): Promise<string[]> {
  const expected = await expectedLines(system);
  const sql = connect(system.pricesDb, { name: 'oracle', max: 1 });
  const differences = async () => {
    const rows = await sql<(Applied & { product: string })[]>`
      select product, (extract(epoch from valid_from) * 1000)::bigint as from,
        (extract(epoch from valid_to) * 1000)::bigint as to, cents, version
      from price_line_read order by product, valid_from`;
    const shown = Map.groupBy(rows, ({ product }) => product);
    return [...new Set([...expected.keys(), ...shown.keys()])].flatMap((id) => {
      const line = (shown.get(id) ?? []).map(({ from, to, cents, version }) => ({ from, to, cents, version }));
      const told = expected.get(id) ?? [];
      if (isDeepStrictEqual(line, told)) return [];
      return [`The price line of ${id} is ${JSON.stringify(line)}, and should be ${JSON.stringify(told)}`];
    });
  };
  try {
    const isRight = async () => (await differences()).length === 0;
    await waitFor('the price lines to come to rest', isRight, { within: 60_000, every: 200 }).catch(() => {});
    return await differences();
  } finally {
    await sql.end();
  }
}

/** The line of each product, by its events on the topic: each takes effect at its timestamp, and not before the one before it. */
async function expectedLines(system: System): Promise<Map<string, Applied[]>> {
  const sql = connect(system.writeDb, { name: 'oracle', max: 1 });
  const [stored] = await sql<{ events: number }[]>`select count(*)::int as events from events`;
  await sql.end();
  const lines = new Map<string, Map<number, ProductEvent>>();
  for (const { value } of await readTopic(system.brokers, 'product-events', stored?.events ?? 0)) {
    const decoded = jsonCodec.decode(value);
    if (decoded.kind !== 'event') continue;
    const { event } = decoded;
    const versions = lines.get(event.payload.id) ?? new Map<number, ProductEvent>();
    lines.set(event.payload.id, versions.set(event.productVersion, event));
  }
  return new Map([...lines].map(([id, versions]) => [id, lineOf([...versions.values()])]));
}

function lineOf(events: readonly ProductEvent[]): Applied[] {
  const line: Applied[] = [];
  let last = Number.NEGATIVE_INFINITY;
  for (const event of events.toSorted((a, b) => a.productVersion - b.productVersion)) {
    const cents = priceIn(event);
    if (cents === undefined) continue;
    const at = Math.max(last, Date.parse(event.timestamp));
    last = at;
    const open = line.at(-1);
    if (open?.to === null) {
      if (cents === open.cents) continue;
      open.to = at;
    }
    if (cents !== null) line.push({ from: at, to: null, cents, version: event.productVersion });
  }
  return joined(line);
}

/** Undefined for an event without a price, null for the end of the offer. */
function priceIn(event: ProductEvent): number | null | undefined {
  if (event.type === 'ProductDiscontinued') return null;
  const { price } = event.payload;
  return price === undefined ? undefined : Math.round(price * 100);
}

/** Without the periods that are empty; of two neighbours with one price the first goes on. */
function joined(line: readonly Applied[]): Applied[] {
  const kept: Applied[] = [];
  for (const period of line.filter(({ from, to }) => to !== from)) {
    const before = kept.at(-1);
    if (before?.to === period.from && before.cents === period.cents) before.to = period.to;
    else kept.push({ ...period });
  }
  return kept;
}
