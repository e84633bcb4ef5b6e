import { isDeepStrictEqual } from 'node:util';
import type { Catalogue } from '@catalogue/client';
import type { ProductEvent } from '@catalogue/contracts';
import { connect } from '@catalogue/postgres';
import { waitFor } from '@catalogue/testing';
import { decodedTopic } from './decoded-topic.ts';
import type { Told } from './load.ts';
import { mispriced } from './price-oracle.ts';
import type { System } from './system.ts';

interface Stored {
  stream: string;
  version: number;
  id: string;
  type: ProductEvent['type'];
  payload: { name?: string; price?: number };
}

export interface Listed {
  id: string;
  name: string;
  price: number;
  version: number;
}

/**
 * Waits until the system is at rest, then looks for violations: an acknowledged command that is not in the event store, an
 * event that is not on the topic or precedes its predecessor there, a product or a price line that differs from its events.
 * Returns the counts and every violation in a sentence.
 */
export async function findViolations(system: System, told: ReadonlyMap<string, Told>) {
  const stored = await storedEvents(system);
  const expected = foldAll(stored);
  const shown = await waitFor('the read model to come to rest', () => settled(system, expected), {
    within: 300_000,
    every: 200,
  }).catch(() => listAll(system.client()));
  const violations = [
    ...unacknowledged(stored, told),
    ...misread(expected, shown, told),
    ...(await misordered(system, stored)),
    ...(system.withPrices ? await mispriced(system) : []),
  ];
  return { events: stored.length, products: shown.size, violations };
}

async function storedEvents(system: System): Promise<Stored[]> {
  const sql = connect(system.writeDb, { name: 'oracle', max: 1 });
  const events = await sql<Stored[]>`select stream, version, id, type, payload from events order by stream, version`;
  await sql.end();
  return events;
}

/** The products that the catalogue must list, by id. */
function foldAll(events: readonly Stored[]): Map<string, Listed> {
  const products = new Map<string, Listed>();
  for (const { stream, version, type, payload } of events) {
    const before = products.get(stream) ?? { id: stream, name: '', price: Number.NaN };
    if (type === 'ProductDiscontinued') products.delete(stream);
    else products.set(stream, { ...before, ...pick(payload), version });
  }
  return products;
}

const pick = ({ name, price }: Stored['payload']) => ({
  ...(name === undefined ? {} : { name }),
  ...(price === undefined ? {} : { price }),
});

async function settled(
  system: System,
  expected: ReadonlyMap<string, Listed>,
): Promise<Map<string, Listed> | undefined> {
  const shown = await listAll(system.client());
  return isDeepStrictEqual(shown, new Map([...expected].toSorted(([a], [b]) => (a < b ? -1 : 1)))) ? shown : undefined;
}

/** All products that query-api lists, page by page. */
export async function listAll(catalogue: Catalogue): Promise<Map<string, Listed>> {
  const products: Listed[] = [];
  for await (const { id, name, price, version } of catalogue.list({ limit: 500 })) {
    products.push({ id, name, price, version });
  }
  return new Map(products.map((product) => [product.id, product] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function unacknowledged(stored: readonly Stored[], told: ReadonlyMap<string, Told>): string[] {
  const versions = new Map<string, number>();
  const gaps: string[] = [];
  for (const { stream, version } of stored) {
    if (version !== (versions.get(stream) ?? 0) + 1)
      gaps.push(`The event store skips to version ${version} of ${stream}`);
    versions.set(stream, version);
  }
  const lost = [...told.values()].filter(({ id, version }) => (versions.get(id) ?? 0) < version);
  return [...gaps, ...lost.map(({ id, version }) => `Version ${version} of ${id} was acknowledged and is not stored`)];
}

function misread(expected: Map<string, Listed>, shown: Map<string, Listed>, told: ReadonlyMap<string, Told>): string[] {
  const violations: string[] = [];
  for (const [id, product] of expected) {
    const found = shown.get(id);
    if (!isDeepStrictEqual(found, product))
      violations.push(`Expected ${JSON.stringify(product)}, found ${JSON.stringify(found)}`);
  }
  for (const id of shown.keys()) if (!expected.has(id)) violations.push(`Product ${id} is listed and should not be`);
  for (const { id, name, price, discontinued, uncertain } of told.values()) {
    const found = shown.get(id);
    if (uncertain || discontinued) continue;
    if (found?.name !== name || found.price !== price) {
      violations.push(`Clients were told ${JSON.stringify({ id, name, price })}, found ${JSON.stringify(found)}`);
    }
  }
  return violations;
}

/** Repetitions are allowed on the topic; a version before its predecessor, or a missing one, is not. */
async function misordered(system: System, stored: readonly Stored[]): Promise<string[]> {
  const violations: string[] = [];
  const versions = new Map<string, number>();
  const ids = new Set<string>();
  for (const decoded of await decodedTopic(system, stored.length)) {
    if (decoded.kind !== 'event') {
      violations.push(`The topic holds a message that is not an event: ${JSON.stringify(decoded)}`);
      continue;
    }
    const { id, productVersion, payload } = decoded.event;
    const before = versions.get(payload.id) ?? 0;
    if (productVersion > before + 1)
      violations.push(`The topic has version ${productVersion} of ${payload.id} after ${before}`);
    versions.set(payload.id, Math.max(before, productVersion));
    ids.add(id);
  }
  for (const { id, stream, version } of stored) {
    if (!ids.has(id)) violations.push(`Version ${version} of ${stream} is stored and not on the topic`);
  }
  return violations;
}
