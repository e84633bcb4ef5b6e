import { type Codec, jsonCodec } from '@catalogue/contracts';
import type { IncomingMessage } from '@catalogue/kafka';
import { shownFields } from '@catalogue/read-schema';
import { lastingPlaceOf, type ParkedMessage } from './parked-message.ts';
import { isListed, type Product, storable, unknownProduct } from './product.ts';
import { type Discard, type ProductMessage, type Projected, projectEvent } from './project-event.ts';

type Origin = Pick<IncomingMessage, 'partition' | 'offset' | 'key' | 'value' | 'headers'> &
  Pick<ParkedMessage, 'topic' | 'topicId'>;

/** UTF-16 units: an index holds 2 704 bytes. */
const maxKeyLength = 500;

/** The key that a message without a readable product is filed under. */
export const keyOf = ({ key }: Pick<IncomingMessage, 'key'>) => storable(String(key ?? '').slice(0, maxKeyLength));

/** A message of a batch: about a product, or nothing that is or can be read. */
export type Read = { origin: Origin } & (
  | ({ productId: string } & ProductMessage)
  | { unread: { reason: 'unreadable' | 'crash'; detail: string } }
);

/** Reads the messages of one partition. */
export function read(messages: readonly Origin[], codec: Codec = jsonCodec): Read[] {
  return messages.map((origin) => {
    const { partition, offset, value } = origin;
    const decoded = codec.decode(value);
    if (decoded.kind === 'undecodable') return { origin, unread: { reason: 'unreadable', detail: decoded.reason } };
    return { origin, partition, offset, decoded, productId: storable(decoded.event.payload.id) };
  });
}

/** What the read model knows about the products of some messages. */
export interface Known {
  /** The rows that exist. */
  products: ReadonlyMap<string, Product>;
  /**
   * What waits, of the products whose rows say so: in the order of versions, its first among them, and the messages of the
   * versions that come. Up to the first that is not loaded nothing is left out.
   */
  queues: ReadonlyMap<string, readonly ParkedMessage[]>;
  discards: ReadonlyMap<string, readonly Discard[]>;
  /** The broker's id of the topic that the messages come from, unless they were filed. */
  topicId?: string;
}

/** What became of a message: one word a metric and a log line use. */
export type Fate = Exclude<Projected['outcome'], 'blocked'> | 'parked';

/** One step of a product, for those who wait or listen. */
export interface Change {
  kind: 'created' | 'updated' | 'discontinued' | 'none';
  product: Product;
  /** What readers saw of it before; null when they did not see it. */
  priceBefore: string | null;
}

export interface Folded {
  /** Products that have no row yet. */
  created: Product[];
  /** Products whose rows have another name. */
  renamed: Product[];
  /** The other products that changed. */
  changed: Product[];
  /** Every step of theirs, in order. */
  changes: Change[];
  /** The fate of each message. */
  fates: Fate[];
  /** Messages that have to wait from now on. */
  parked: ParkedMessage[];
  /** Messages that waited and do so no more. */
  released: ParkedMessage[];
  /** The first that waits of each product that was resumed and still waits. */
  firsts: Map<string, ParkedMessage>;
}

/**
 * Folds messages of one partition, in order, into the products they are about, and then applies what waits of those that are
 * to be resumed, as far as it can be. Pure: what is known is not changed.
 */
export function projectBatch(known: Known, messages: readonly Read[], resumed: readonly string[] = []): Folded {
  const folding = new Folding(known);
  const fates = messages.map((message) => folding.take(message));
  const firsts = new Map(resumed.flatMap((id) => folding.resume(id)));
  return { ...folding.result(), fates, firsts };
}

/** What a message waits for, as it is told an operator. */
type Wording = Pick<ParkedMessage, 'reason' | 'detail'> & { draining: boolean };

const draining: Wording = {
  reason: 'queued',
  detail: 'Nothing stands in the way any more: what waits is being applied, a piece at a time',
  draining: true,
};

function behind({ version, eventId }: ParkedMessage): Wording {
  return { reason: 'queued', detail: `Waits behind version ${version}, event ${eventId}`, draining: false };
}

class Folding {
  readonly #known: Known;
  readonly #products = new Map<string, Product>();
  readonly #queues = new Map<string, readonly ParkedMessage[]>();
  readonly #changes: Change[] = [];
  readonly #parked = new Set<ParkedMessage>();
  readonly #released = new Set<ParkedMessage>();
  /** What is stored already and waits for something else now, with what is stored. */
  readonly #reworded = new Map<ParkedMessage, ParkedMessage>();

  constructor(known: Known) {
    this.#known = known;
  }

  result(): Omit<Folded, 'fates' | 'firsts'> {
    // What was parked and released in one batch never has to be written.
    const both = this.#parked.intersection(this.#released);
    const {
      created = [],
      renamed = [],
      changed = [],
    } = Object.groupBy(this.#products.values(), (product) => {
      const known = this.#known.products.get(product.id);
      if (known === undefined) return 'created';
      return known.name === product.name ? 'changed' : 'renamed';
    });
    return {
      created,
      renamed,
      changed,
      changes: this.#changes,
      parked: [...this.#parked.difference(both)],
      released: [...this.#released.difference(both)],
    };
  }

  take(message: Read): Fate {
    if (!('productId' in message)) {
      // Its product is known by its key only: the next event of it will find a version missing.
      const parked = parkedMessage(message.origin, message.unread);
      // The name alone, which the client gives with each message, does not last: a topic made again has the same.
      const place = lastingPlaceOf(message.origin, this.#known.topicId);
      if (this.#discards(parked.productId).some(({ eventId }) => eventId === place)) return 'skipped';
      this.#parked.add(parked);
      return 'parked';
    }
    const product = this.#product(message.productId);
    const { decoded } = message;
    const projected = projectEvent(product, message, this.#discards(product.id));
    if (decoded.kind === 'legacy' || projected.outcome === 'repeated') {
      if ('product' in projected) this.#step(product, projected.product);
      return projected.outcome as Fate;
    }
    const { productVersion: version, type } = decoded.event;
    const eventId = storable(decoded.event.id);
    const queue = this.#queue(product.id);
    if (queue.some((waiting) => waiting.eventId === eventId)) return 'repeated';
    const about = { productId: product.id, version, eventId, type: storable(type) };
    const rival = queue.find((waiting) => waiting.version === version);
    if (rival !== undefined) {
      const detail = `Event ${rival.eventId} of the same version waits already: the history forked`;
      this.#park(product, parkedMessage(message.origin, { ...about, reason: 'fork', detail }));
      return 'parked';
    }
    if ('product' in projected && !isForked(product, queue)) {
      this.#step(product, projected.product);
      this.#drain(product.id);
      return projected.outcome;
    }
    const [first] = queue;
    // One that comes before all that wait tells what they wait for from now on.
    const isFirst = first === undefined || version < (first.version ?? 0);
    const why = isFirst && projected.outcome === 'blocked' ? projected : behind(first as ParkedMessage);
    this.#park(product, parkedMessage(message.origin, { ...about, reason: why.reason, detail: why.detail }));
    return 'parked';
  }

  /** Applies what waits of a product, and tells what it still waits for. */
  resume(id: string): [string, ParkedMessage][] {
    this.#drain(id);
    const [first] = this.#queue(id);
    if (first !== undefined) return [[id, first]];
    const product = this.#product(id);
    if (product.parked) this.#step(product, { ...product, parked: false });
    return [];
  }

  /** Applies what waits of a product, as far as nothing stands in the way any more and it is loaded. */
  #drain(id: string): void {
    for (;;) {
      const product = this.#product(id);
      const [first, ...rest] = this.#queue(id);
      if (first === undefined) return;
      if (first.unloaded) {
        this.#reword(first, draining);
        return;
      }
      const [message] = read([first]);
      if (message === undefined || !('productId' in message)) {
        this.#reword(first, { ...first, draining: false });
        return;
      }
      const projected = projectEvent(product, message, this.#discards(id));
      if (projected.outcome === 'blocked') {
        this.#reword(first, { ...projected, draining: false });
        for (const waiting of rest) if (waiting.draining) this.#reword(waiting, behind(first));
        return;
      }
      this.#release(first);
      this.#queues.set(id, rest);
      if ('product' in projected) this.#step(product, { ...projected.product, parked: rest.length > 0 });
      else if (rest.length === 0) this.#step(product, { ...product, parked: false });
    }
  }

  #release(message: ParkedMessage): void {
    const stored = this.#reworded.get(message);
    if (stored !== undefined) this.#parked.delete(message);
    this.#released.add(stored ?? message);
  }

  /** A message that waits, maybe for something else now: the first says what all wait for. */
  #reword(message: ParkedMessage, { reason, detail, draining: isDraining }: Wording): void {
    const { draining: wasDraining = false, productId } = message;
    if (message.reason === reason && message.detail === detail && wasDraining === isDraining) return;
    const reworded = { ...message, reason, detail, draining: isDraining };
    const stored = this.#reworded.get(message) ?? (this.#parked.has(message) ? undefined : message);
    this.#parked.delete(message);
    this.#parked.add(reworded);
    if (stored !== undefined) this.#reworded.set(reworded, stored);
    const queue = this.#queue(productId);
    this.#queues.set(productId, queue.with(queue.indexOf(message), reworded));
    // Who waits for the product waits in vain from now on, and is told.
    if (wasDraining && !isDraining) this.#step(this.#product(productId), this.#product(productId));
  }

  #park(product: Product, message: ParkedMessage): void {
    const [before] = this.#queue(product.id);
    this.#parked.add(message);
    const queue = [...this.#queue(product.id), message].toSorted(byVersion);
    this.#queues.set(product.id, queue);
    // Nothing is released past what came before it.
    if (before?.draining && queue[0] !== before) this.#reword(before, behind(message));
    if (!product.parked) this.#step(product, { ...product, parked: true });
  }

  #step(before: Product, product: Product): void {
    this.#products.set(product.id, product);
    const priceBefore = isListed(before) ? before.price : null;
    this.#changes.push({ kind: kindOf(before, product), product, priceBefore });
  }

  #product(id: string): Product {
    return this.#products.get(id) ?? this.#known.products.get(id) ?? unknownProduct(id);
  }

  #queue(id: string): readonly ParkedMessage[] {
    return this.#queues.get(id) ?? this.#known.queues.get(id) ?? [];
  }

  #discards(id: string): readonly Discard[] {
    return this.#known.discards.get(id) ?? [];
  }
}

/** The first that waits has the product's own version, but is another event: an operator has to say which is right. */
function isForked({ version, eventId }: Product, [first]: readonly ParkedMessage[]): boolean {
  return first?.version === version && first.eventId !== eventId;
}

function byVersion(a: ParkedMessage, b: ParkedMessage): number {
  return (a.version ?? 0) - (b.version ?? 0);
}

function kindOf(before: Product, after: Product): Change['kind'] {
  if (!isListed(after)) return isListed(before) ? 'discontinued' : 'none';
  if (!isListed(before)) return 'created';
  return isSeenAlike(before, after) ? 'none' : 'updated';
}

function isSeenAlike(a: Product, b: Product): boolean {
  return shownFields.every((field) => a[field] === b[field]);
}

function parkedMessage(
  { topic, partition, offset, key = null, value, headers }: Origin,
  about: Pick<ParkedMessage, 'reason' | 'detail'> & Partial<ParkedMessage>,
): ParkedMessage {
  const traceparent = headers?.find((header) => 'traceparent' in header)?.['traceparent'];
  return {
    ...(topic === undefined ? {} : { topic }),
    partition,
    offset,
    value,
    traceparent: traceparent === undefined ? null : storable(String(traceparent)),
    productId: keyOf({ key }),
    version: null,
    eventId: null,
    type: null,
    ...about,
    detail: storable(about.detail),
  };
}
