import { type Discard, type ParkedMessage, read } from '@catalogue/projection/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Folded, type Known, projectBatch } from '../../test/products.ts';
import type { Product } from './product.ts';
import type { Change } from './product-writes.ts';

const id = 'mouse';

function event(version: number, change: object = {}) {
  const payload = version === 1 ? { id, name: 'Mouse', price: 1 } : { id, price: version };
  return {
    id: `e${version}`,
    type: version === 1 ? 'ProductCreated' : 'ProductUpdated',
    schemaVersion: 1,
    productVersion: version,
    timestamp: new Date(Date.UTC(2026, 10, 23) + version).toISOString(),
    payload,
    ...change,
  };
}

/** The read model of one product, as the tables keep it between batches. */
class ReadModel {
  product: Product | undefined;
  queue: ParkedMessage[] = [];
  readonly discards: Discard[] = [];
  readonly changes: Change[] = [];
  #offset = 0;

  /** Delivers a batch. */
  deliver(...events: (object | string)[]): Folded {
    const messages = events.map((it) => {
      const value = Buffer.from(typeof it === 'string' ? it : JSON.stringify(it));
      return { partition: 0, offset: this.#offset++, key: id, value };
    });
    const folded = projectBatch(this.#known(), read(messages));
    this.#keep(folded);
    return folded;
  }

  /** What an operator does: decides to do without something, and has the rest go on. */
  discard(version: number, eventId = ''): void {
    this.discards.push({ version, eventId });
    const waiting = this.queue.splice(0);
    this.product &&= { ...this.product, parked: false };
    this.#keep(projectBatch(this.#known(), read(waiting)));
  }

  #known(): Known {
    return {
      products: new Map(this.product === undefined ? [] : [[id, this.product]]),
      queues: new Map(
        this.product?.parked === true ? [[id, this.queue.filter(({ version }) => version !== null)]] : [],
      ),
      discards: new Map([[id, this.discards]]),
    };
  }

  #keep({ created, renamed, changed, changes, parked, released }: Folded): void {
    this.product = created[0] ?? renamed[0] ?? changed[0] ?? this.product;
    this.changes.push(...changes);
    this.queue = [...this.queue, ...parked]
      .filter((waiting) => !released.some(({ eventId }) => eventId === waiting.eventId))
      .toSorted((a, b) => (a.version ?? 0) - (b.version ?? 0) || a.offset - b.offset);
  }

  get waiting() {
    return this.queue.map(({ version, reason }) => `${version} ${reason}`);
  }
}

describe('events of a product after one that is missing', () => {
  test('wait in order, and the product stays as it was', () => {
    const model = new ReadModel();
    model.deliver(event(1), event(3), event(4));
    expect(model.product).toMatchObject({ version: 1, price: '1.00', parked: true });
    expect(model.waiting).toEqual(['3 gap', '4 queued']);
    expect(model.queue[0]?.detail).toMatch(/Expected version 2, found event e3/);
  });
  test('are applied when it arrives late, in this batch or another', () => {
    const model = new ReadModel();
    model.deliver(event(1), event(3), event(2));
    expect(model.product).toMatchObject({ version: 3, price: '3.00', parked: false });
    model.deliver(event(5));
    model.deliver(event(6));
    model.deliver(event(4));
    expect(model.product).toMatchObject({ version: 6, price: '6.00', parked: false });
    expect(model.waiting).toEqual([]);
  });
  test('go on when an operator discards it', () => {
    const model = new ReadModel();
    model.deliver(event(1), event(3), event(4));
    model.discard(2);
    expect(model.product).toMatchObject({ version: 4, parked: false });
    expect(model.deliver(event(2)).fates).toEqual(['repeated']);
  });
  test('wait even where the product is not known', () => {
    const model = new ReadModel();
    model.deliver(event(2));
    expect(model.product).toMatchObject({ version: 0, createdAt: null, parked: true });
    model.deliver(event(1));
    expect(model.product).toMatchObject({ version: 2, parked: false });
  });
  test('wait once, however often they arrive', () => {
    const model = new ReadModel();
    model.deliver(event(1), event(3), event(3));
    expect(model.deliver(event(3)).fates).toEqual(['repeated']);
    expect(model.waiting).toEqual(['3 gap']);
  });
});

describe('an event with a newer schema', () => {
  const newer = event(2, { schemaVersion: 9 });
  test('holds up what follows it', () => {
    const model = new ReadModel();
    model.deliver(event(1), newer, event(3));
    expect(model.waiting).toEqual(['2 newer-schema', '3 queued']);
  });
  test('is skipped when an operator discards it', () => {
    const model = new ReadModel();
    model.deliver(event(1), newer, event(3));
    model.discard(2);
    expect(model.product).toMatchObject({ version: 3, price: '3.00', parked: false });
  });
  test('is skipped in a later generation too', () => {
    const model = new ReadModel();
    model.discards.push({ version: 2, eventId: '' });
    expect(model.deliver(event(1), newer, event(3)).fates).toEqual(['applied', 'skipped', 'applied']);
  });
});

describe('a history that forked', () => {
  const other = event(2, { id: 'other' });
  test('holds up what follows', () => {
    const model = new ReadModel();
    model.deliver(event(1), event(2), other, event(3));
    expect(model.waiting).toEqual(['2 fork', '3 queued']);
    expect(model.product).toMatchObject({ version: 2, eventId: 'e2' });
  });
  test('goes on without the event that an operator discards', () => {
    const model = new ReadModel();
    model.deliver(event(1), event(2), other, event(3));
    model.discard(2, 'other');
    expect(model.product).toMatchObject({ version: 3, parked: false });
    expect(model.deliver(other).fates).toEqual(['repeated']);
  });
  test('is seen among those that wait, too', () => {
    const model = new ReadModel();
    model.deliver(event(1), event(3), event(3, { id: 'other' }), event(2));
    expect(model.product).toMatchObject({ version: 3, eventId: 'e3', parked: true });
    expect(model.waiting).toEqual(['3 fork']);
  });
});

describe('a product that drains', () => {
  const draining = { reason: 'queued', detail: 'Being applied', draining: true } as const;
  /** At version 2, with an event that is being released. */
  const known = (change: Partial<ParkedMessage> = {}) => {
    const model = new ReadModel();
    model.deliver(event(1), event(2), event(4));
    const [first] = model.queue;
    const message = { ...(first as ParkedMessage), version: 3, eventId: 'e3', ...draining, ...change };
    const products = new Map([[id, model.product as Product]]);
    return { products, queues: new Map([[id, [message]]]), discards: new Map() };
  };

  test('drains no more when a fork comes before what waits', () => {
    const other = { partition: 0, offset: 9, key: id, value: Buffer.from(JSON.stringify(event(2, { id: 'other' }))) };
    const { fates, parked } = projectBatch(known({ unloaded: true, value: null }), read([other]));
    expect(fates).toEqual(['parked']);
    expect(parked.toSorted((a, b) => a.offset - b.offset)).toMatchObject([
      { version: 3, draining: false, reason: 'queued', detail: 'Waits behind version 2, event other' },
      { version: 2, reason: 'fork' },
    ]);
  });

  test('tells those who wait for it when an event turns out to need an operator', () => {
    const value = Buffer.from(JSON.stringify(event(3, { schemaVersion: 9 })));
    const { changes, parked } = projectBatch(known({ value }), [], [id]);
    expect(parked).toMatchObject([{ version: 3, reason: 'newer-schema', draining: false }]);
    expect(changes).toMatchObject([{ kind: 'none', product: { version: 2, parked: true } }]);
  });
});

test('a message that cannot be read waits for an operator, and the next event of its product for it', () => {
  const model = new ReadModel();
  expect(model.deliver(event(1), '{"id": ', event(3)).fates).toEqual(['applied', 'parked', 'parked']);
  expect(model.waiting).toEqual(['null unreadable', '3 gap']);
});

test('every step of a product is told, in order, with what readers see of it', () => {
  const model = new ReadModel();
  model.deliver(event(1), event(2), event(4), event(3));
  model.deliver({ ...event(5), type: 'ProductDiscontinued', payload: { id } });
  expect(model.changes.map(({ kind, product: { version } }) => `${kind} ${version}`)).toEqual([
    'created 1',
    'updated 2',
    'none 2', // 4 waits
    'updated 3',
    'updated 4',
    'discontinued 5',
  ]);
});

test('in whatever order and however often a log is delivered, in whatever batches: the product it describes, and nothing waits', () => {
  const log = Array.from({ length: 8 }, (_, index) => event(index + 1));
  const delivery = fc
    .tuple(
      fc.shuffledSubarray(log, { minLength: log.length }),
      fc.array(fc.constantFrom(...log), { maxLength: 8 }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 16, maxLength: 16 }),
    )
    .map(([all, again, sizes]) => {
      const rest = [...all, ...again];
      return sizes.map((size) => rest.splice(0, size)).filter((batch) => batch.length > 0);
    });
  fc.assert(
    fc.property(delivery, (batches) => {
      const model = new ReadModel();
      for (const batch of batches) model.deliver(...batch);
      expect(model.product).toMatchObject({ version: 8, price: '8.00', eventId: 'e8', parked: false });
      expect(model.waiting).toEqual([]);
      const versions = model.changes.flatMap(({ kind, product }) => (kind === 'none' ? [] : [product.version]));
      expect(versions).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    }),
    { numRuns: 500 },
  );
});
