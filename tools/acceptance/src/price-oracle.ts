import { isDeepStrictEqual } from 'node:util';
import type { ProductEvent } from '@catalogue/contracts';
import { connect, type Sql, type Transaction } from '@catalogue/postgres';
import { waitFor } from '@catalogue/testing';
import { decodedTopic } from './decoded-topic.ts';
import type { System } from './system.ts';

/** What a line needs of an event. */
interface Priced {
  type: ProductEvent['type'];
  productVersion: number;
  timestamp: string;
  payload: { id?: string; price?: number };
}

interface Applied {
  from: number;
  to: number | null;
  cents: number;
  version: number;
}

/** Waits until the price lines equal the fold of the topic's events; returns every difference in a sentence. */
export async function mispriced(system: System): Promise<string[]> {
  const expected = await expectedLines(system);
  const sql = connect(system.pricesDb, { name: 'oracle', max: 1 });
  const differences = async () => differencesIn(await shownLines(sql), expected);
  try {
    const isRight = async () => (await differences()).length === 0;
    await waitFor('the price lines to come to rest', isRight, { within: 300_000, every: 200 }).catch(() => {});
    return await differences();
  } finally {
    await sql.end();
  }
}

/**
 * Waits until price-history has applied all events that are in the event store now, while more arrive, and compares
 * each line with the fold of the product's events up to the version that is applied. Returns every difference in a
 * sentence.
 */
export async function mispricedMeanwhile(system: System): Promise<string[]> {
  const write = connect(system.writeDb, { name: 'oracle', max: 1 });
  const prices = connect(system.pricesDb, { name: 'oracle', max: 1 });
  try {
    const newest = await write<{ stream: string; version: number }[]>`
      select stream, max(version) as version from events group by stream`;
    const isApplied = async () => {
      const versions = await appliedVersions(prices);
      return newest.every(({ stream, version }) => (versions.get(stream) ?? 0) >= version);
    };
    await waitFor('price-history to catch up', isApplied, { within: 300_000, every: 200 });
    // One snapshot, because the projection goes on.
    const { versions, shown } = await prices.begin('isolation level repeatable read', async (tx) => ({
      versions: await appliedVersions(tx),
      shown: await shownLines(tx),
    }));
    const expected = new Map<string, Applied[]>();
    for (const [id, events] of Map.groupBy(await storedEvents(write), ({ stream }) => stream)) {
      expected.set(id, lineOf(events.filter(({ productVersion }) => productVersion <= (versions.get(id) ?? 0))));
    }
    return differencesIn(shown, expected);
  } finally {
    await Promise.all([write.end(), prices.end()]);
  }
}

async function appliedVersions(sql: Sql | Transaction): Promise<Map<string, number>> {
  const rows = await sql<{ id: string; version: number }[]>`select id, version from priced_products_read`;
  return new Map(rows.map(({ id, version }) => [id, version]));
}

interface StoredEvent extends Priced {
  stream: string;
}

/** As the relay makes messages of them. */
async function storedEvents(sql: Sql): Promise<StoredEvent[]> {
  const rows = await sql<(Omit<StoredEvent, 'timestamp'> & { recordedAt: Date })[]>`
    select stream, version as "productVersion", type, payload, recorded_at as "recordedAt" from events`;
  return rows.map(({ recordedAt, ...event }) => ({ ...event, timestamp: recordedAt.toISOString() }));
}

async function shownLines(sql: Sql | Transaction): Promise<Map<string, Applied[]>> {
  const rows = await sql<(Applied & { product: string })[]>`
    select product, (extract(epoch from valid_from) * 1000)::bigint as from,
      (extract(epoch from valid_to) * 1000)::bigint as to, cents, version
    from price_line_read order by product, valid_from`;
  const lines = new Map<string, Applied[]>();
  for (const { product, ...period } of rows) lines.set(product, [...(lines.get(product) ?? []), period]);
  return lines;
}

function differencesIn(shown: ReadonlyMap<string, Applied[]>, expected: ReadonlyMap<string, Applied[]>): string[] {
  return [...new Set([...expected.keys(), ...shown.keys()])].flatMap((id) => {
    const [line, told] = [shown.get(id) ?? [], expected.get(id) ?? []];
    if (isDeepStrictEqual(line, told)) return [];
    return [`The price line of ${id} is ${JSON.stringify(line)}, and should be ${JSON.stringify(told)}`];
  });
}

/** The line of each product by its events on the topic: each takes effect at its timestamp, never before the last. */
async function expectedLines(system: System): Promise<Map<string, Applied[]>> {
  const sql = connect(system.writeDb, { name: 'oracle', max: 1 });
  const [stored] = await sql<{ events: number }[]>`select count(*)::int as events from events`;
  await sql.end();
  const lines = new Map<string, Map<number, ProductEvent>>();
  for (const decoded of await decodedTopic(system, stored?.events ?? 0)) {
    if (decoded.kind !== 'event') continue;
    const { event } = decoded;
    const versions = lines.get(event.payload.id) ?? new Map<number, ProductEvent>();
    lines.set(event.payload.id, versions.set(event.productVersion, event));
  }
  return new Map([...lines].map(([id, versions]) => [id, lineOf([...versions.values()])]));
}

function lineOf(events: readonly Priced[]): Applied[] {
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
function priceIn(event: Pick<Priced, 'type' | 'payload'>): number | null | undefined {
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
