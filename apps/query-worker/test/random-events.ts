import type { OutgoingMessage } from '@catalogue/kafka';
import type { Random } from '@catalogue/testing';
import { event, message } from './fixture.ts';

/** What readers have to see of a product in the end. */
export interface Expected {
  id: string;
  name: string;
  price: string;
  version: number;
}

interface Sent extends Expected {
  /** Versions that were left out so far. */
  missing: number[];
  /** Events that rival one of a version that was sent before. */
  forks: string[];
}

/**
 * The events of products as a careless world sends them: some late, some twice, some unreadable, some of a history that
 * forked; and products of older producers, whose messages come in any order. `late` sends what was left out.
 */
export class RandomEvents {
  readonly #random: Random;
  readonly #products: Sent[];
  readonly #legacy = new Map<string, Expected & { stamp: number }>();
  #clock = Date.UTC(2026, 10, 23);

  constructor(products: number, random: Random) {
    this.#random = random;
    this.#products = Array.from({ length: products }, () => ({
      id: random.uuid(),
      name: '',
      price: '',
      version: 0,
      missing: [],
      forks: [],
    }));
  }

  /** The ids of the events that should never have been sent. */
  get forks(): string[] {
    return this.#products.flatMap(({ forks }) => forks);
  }

  /** Some messages more. */
  next(count: number): OutgoingMessage[] {
    return Array.from({ length: count }, () => (this.#random() < 0.2 ? [this.#legacyMessage()] : this.#step())).flat();
  }

  late(): OutgoingMessage[] {
    return this.#products.flatMap((product) =>
      product.missing.splice(0).map((version) => this.#event(product, version)),
    );
  }

  /** The fold of everything that was sent, once `late` was. */
  expected(): Expected[] {
    const legacy = [...this.#legacy.values()].filter(({ name }) => name !== '');
    return [...this.#products.filter(({ version }) => version > 0), ...legacy]
      .map(({ id, name, price, version }) => ({ id, name, price, version }))
      .toSorted((a, b) => (a.id < b.id ? -1 : 1));
  }

  #event({ id }: { id: string }, version: number, eventId = `${id} ${version}`): OutgoingMessage {
    return event(id, version, { id: eventId });
  }

  #step(): OutgoingMessage[] {
    const product = this.#random.of(this.#products);
    const version = ++product.version;
    product.name = `Product ${product.id}`;
    product.price = `${version}.00`;
    const sent = this.#event(product, version);
    const dice = this.#random();
    if (dice > 0.95) return [sent, this.#ignored(product)];
    if (dice < 0.02) {
      product.missing.push(version);
      return this.#random() < 0.5 ? [] : [message(product.id, '{')];
    }
    if (dice < 0.025) return [sent, this.#fork(product, version)];
    if (dice < 0.1)
      return [sent, sent, this.#event(product, Math.max(version - 3, 1))].filter((it) => this.#wasSent(product, it));
    return [sent];
  }

  /** Nothing that was left out is sent by a repetition of older events. */
  #wasSent({ missing }: Sent, { value }: OutgoingMessage): boolean {
    return !missing.includes((JSON.parse(value.toString()) as { productVersion: number }).productVersion);
  }

  #fork(product: Sent, version: number): OutgoingMessage {
    const eventId = `${product.id} ${version} forked`;
    product.forks.push(eventId);
    return this.#event(product, version, eventId);
  }

  /** What an older producer says, on any partition, of a product that has versions: its creation overwrites it, if need be. */
  #ignored({ id }: Sent): OutgoingMessage {
    const payload = { id, name: 'Of an older producer', price: 0.5 };
    const timestamp = new Date(this.#clock).toISOString();
    const eventId = this.#random.uuid();
    return message(eventId, { id: eventId, type: 'ProductUpdated', payload, timestamp });
  }

  #legacyMessage(): OutgoingMessage {
    const known = [...this.#legacy.values()];
    const product =
      known.length < 30
        ? { id: `legacy ${this.#random.uuid()}`, name: '', price: '', version: 0, stamp: 0 }
        : this.#random.of(known);
    const type = this.#legacy.has(product.id) ? 'ProductUpdated' : 'ProductCreated';
    this.#legacy.set(product.id, product);
    // Each stamp is later than the one before, but they are spread over the partitions.
    const at = this.#clock + this.#random.int(0, 1_000) * 1_000 + this.#legacy.size;
    this.#clock += 1_000_000;
    const stamp = type === 'ProductCreated' ? Date.UTC(2026, 10, 22) : at;
    const payload = { id: product.id, name: `Name ${stamp}`, price: (stamp % 100_000) / 100 };
    if (stamp > product.stamp) Object.assign(product, { name: payload.name, price: payload.price.toFixed(2), stamp });
    const id = this.#random.uuid();
    return message(id, { id, type, payload, timestamp: new Date(stamp).toISOString() });
  }
}
