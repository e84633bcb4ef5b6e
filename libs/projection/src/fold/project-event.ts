import type { Decoded } from '@catalogue/contracts';
import type { Model, Tracked } from '../model.ts';
import { storable } from './storable.ts';

/** A readable message, with its place. */
export interface ProductMessage {
  partition: number;
  offset: number;
  decoded: Exclude<Decoded, { kind: 'undecodable' }>;
}

type VersionedMessage = Exclude<ProductMessage['decoded'], { kind: 'legacy' }>;

/** Why a message cannot be applied: it has to wait, and so do later messages of the same product. */
export interface Blocked {
  outcome: 'blocked';
  reason: 'gap' | 'fork' | 'newer-schema';
  /** The details for an operator. */
  detail: string;
}

/**
 * The effect of a message on a product.
 * - `applied`: the product has changed.
 * - `skipped`: an operator discarded the message; the version moves, and the model learns that an event is missing.
 * - `repeated`: it was applied before.
 * - `superseded`: a legacy message without news, or about a product that has a version.
 * - `unknown`: a legacy message of an unknown type, or for a model that takes none.
 */
export type Projected<Row> =
  | { outcome: 'applied' | 'skipped'; product: Row }
  | { outcome: 'repeated' | 'superseded' | 'unknown' }
  | Blocked;

/** What operators discarded: versions of a product, or, where `eventId` is given, one of two events of a version. */
export interface Discard {
  version: number;
  eventId: string;
  /** The last of several discarded versions in a row; absent for a single version. */
  last?: number;
}

/** Applies one message to a product. Repeated and late deliveries lead to the same product. */
export function projectEvent<Row extends Tracked>(
  model: Pick<Model<Row>, 'legacy' | 'evolve' | 'skipped'>,
  product: Row,
  message: ProductMessage,
  discards: readonly Discard[] = [],
): Projected<Row> {
  const { decoded, partition, offset } = message;
  if (decoded.kind === 'legacy') {
    return model.legacy?.merge(product, decoded.event, { partition, offset }) ?? { outcome: 'unknown' };
  }
  const { productVersion } = decoded.event;
  const id = storable(decoded.event.id);
  const find = (version: number, eventId = '') =>
    discards.find((it) => it.eventId === eventId && it.version <= version && version <= (it.last ?? it.version));
  if (productVersion < product.version || find(productVersion, id) !== undefined) return { outcome: 'repeated' };
  if (productVersion === product.version) {
    return id === product.eventId ? { outcome: 'repeated' } : blocked('fork', product, decoded);
  }
  let expected = product.version + 1;
  for (let run = find(expected); run !== undefined && expected < productVersion; run = find(expected)) {
    expected = (run.last ?? run.version) + 1;
  }
  if (expected < productVersion) return blocked('gap', { ...product, version: expected - 1 }, decoded);
  const skip = (row: Row) => model.skipped?.(row) ?? row;
  const ended = model.legacy?.ended(product) ?? product;
  const isBehindHole = expected > product.version + 1;
  const versioned = { ...(isBehindHole ? skip(ended) : ended), version: productVersion, eventId: id };
  if (find(productVersion) !== undefined) return { outcome: 'skipped', product: skip(versioned) };
  if (decoded.kind === 'newer-schema') return blocked('newer-schema', product, decoded);
  return { outcome: 'applied', product: decoded.kind === 'event' ? model.evolve(versioned, decoded.event) : versioned };
}

function blocked(reason: Blocked['reason'], product: Tracked, { event }: VersionedMessage): Blocked {
  const found = `event ${storable(event.id)} (${storable(event.type)}) of product ${product.id} at version ${event.productVersion}`;
  const detail = {
    gap: `Expected version ${product.version + 1}, found ${found}: events are missing`,
    fork: `Expected event ${product.eventId}, found ${found}: the history forked`,
    'newer-schema': `Found ${found} with schema version ${event.schemaVersion}, which this worker does not know`,
  }[reason];
  return { outcome: 'blocked', reason, detail };
}
