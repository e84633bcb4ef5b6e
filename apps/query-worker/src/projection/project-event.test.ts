import { type Decoded, jsonCodec } from '@catalogue/contracts';
import type { ProductMessage } from '@catalogue/projection/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Projected, projectEvent } from '../../test/products.ts';
import { type Product, unknownProduct } from './product.ts';

const id = 'mouse';
const bytes = (value: unknown) => Buffer.from(JSON.stringify(value));

/** The message that carries the event, as it is read from Kafka. */
function message(event: object): ProductMessage {
  const decoded = jsonCodec.decode(bytes({ schemaVersion: 1, ...event })) as ProductMessage['decoded'];
  return { partition: 0, offset: 0, decoded };
}

const created = {
  id: 'e1',
  type: 'ProductCreated',
  productVersion: 1,
  timestamp: '2026-11-23T10:00:00.000Z',
  payload: { id, name: 'Mouse', price: 39.9 },
};
const repriced = {
  id: 'e2',
  type: 'ProductUpdated',
  productVersion: 2,
  timestamp: '2026-11-23T10:01:00.500Z',
  payload: { id, price: 34.5 },
};
const renamed = {
  id: 'e3',
  type: 'ProductUpdated',
  productVersion: 3,
  timestamp: '2026-11-23T10:02:00.000Z',
  payload: { id, name: 'Topo' },
};
const discontinued = {
  id: 'e4',
  type: 'ProductDiscontinued',
  productVersion: 4,
  timestamp: '2026-11-23T10:03:00.000Z',
  payload: { id },
};

/** Applies events one after the other, each of which must be applied. */
function after(...events: object[]): Product {
  return events.reduce<Product>((product, event) => {
    const projected = projectEvent(product, message(event));
    if (projected.outcome !== 'applied') throw new Error(`Not applied: ${projected.outcome}`);
    return projected.product;
  }, unknownProduct(id));
}

function given(...history: object[]) {
  return {
    when: (event: object) => {
      const projected = projectEvent(after(...history), message(event));
      return {
        thenProduct: (product: Partial<Product>) => expect(projected).toMatchObject({ outcome: 'applied', product }),
        then: (outcome: Projected['outcome']) => expect(projected).toEqual({ outcome }),
        thenBlocked: (reason: string, detail: RegExp) =>
          expect(projected).toEqual({ outcome: 'blocked', reason, detail: expect.stringMatching(detail) as string }),
      };
    },
  };
}

describe('an event at the next version', () => {
  test('creates the product, with its times from the event', () => {
    given().when(created).thenProduct({
      name: 'Mouse',
      price: '39.90',
      version: 1,
      createdAt: '2026-11-23 10:00:00',
      updatedAt: '2026-11-23 10:00:00',
      eventId: 'e1',
    });
  });
  test('changes the price and leaves the name', () => {
    given(created).when(repriced).thenProduct({
      name: 'Mouse',
      price: '34.50',
      version: 2,
      createdAt: '2026-11-23 10:00:00',
      updatedAt: '2026-11-23 10:01:00.5',
    });
  });
  test('changes the name and leaves the price', () => {
    given(created, repriced).when(renamed).thenProduct({ name: 'Topo', price: '34.50', version: 3 });
  });
  test('discontinues the product and keeps what it was', () => {
    given(created, repriced, renamed).when(discontinued).thenProduct({ name: 'Topo', discontinued: true, version: 4 });
  });
  test('of a type that came later moves the version and nothing else', () => {
    const { eventId: _, ...before } = after(created);
    given(created)
      .when({ ...repriced, type: 'ProductTagged' })
      .thenProduct({ ...before, version: 2, eventId: 'e2' });
  });
});

describe('an event that arrives again', () => {
  test('changes nothing, not even updatedAt', () => {
    given(created).when(created).then('repeated');
  });
  test('changes nothing when others followed it', () => {
    given(created, repriced, renamed).when(created).then('repeated');
  });
  test('cannot bring a discontinued product back', () => {
    given(created, repriced, renamed, discontinued).when(created).then('repeated');
  });
});

describe('an event that cannot be applied', () => {
  test('beyond the next version says that events are missing', () => {
    given(created)
      .when(renamed)
      .thenBlocked('gap', /Expected version 2, found event e3 .* of product mouse at version 3/);
  });
  test('of a product nobody has heard of, not at version 1, too', () => {
    given()
      .when(repriced)
      .thenBlocked('gap', /Expected version 1, found .* at version 2/);
  });
  test('at a version that another event had says that the history forked', () => {
    given(created, repriced)
      .when({ ...repriced, id: 'other' })
      .thenBlocked('fork', /Expected event e2, found event other/);
  });
  test('with a newer schema is not guessed at', () => {
    given(created)
      .when({ ...repriced, schemaVersion: 2 })
      .thenBlocked('newer-schema', /schema version 2/);
  });
  test('with a newer schema that arrives again is only that', () => {
    given(created, repriced)
      .when({ ...created, schemaVersion: 2 })
      .then('repeated');
  });
});

test('however often prefixes of the log are delivered again, the product becomes the same', () => {
  const log = [created, repriced, renamed, discontinued];
  const deliveries = fc.array(fc.nat({ max: log.length }), { maxLength: 8 });
  fc.assert(
    fc.property(deliveries, (ends) => {
      // A redelivery begins anywhere before what was delivered, and goes on in order.
      let reached = 0;
      let product = unknownProduct(id);
      for (const end of [...ends, log.length]) {
        for (const event of log.slice(Math.min(end, reached), Math.max(end, reached))) {
          const projected = projectEvent(product, message(event));
          expect(projected.outcome).not.toBe('blocked');
          if (projected.outcome === 'applied') product = projected.product;
        }
        reached = Math.max(reached, end);
      }
      expect(product).toEqual(after(...log));
    }),
  );
});

test('legacy messages, wherever they come between the events, leave no trace in a product that has a version', () => {
  const log = [created, repriced, renamed];
  const legacy = fc.record({
    type: fc.constantFrom('ProductCreated', 'ProductUpdated'),
    timestamp: fc.constantFrom('2020-01-01T00:00:00Z', '2026-11-23T10:00:30Z', '2030-01-01T00:00:00Z'),
    fields: fc.record({ name: fc.string(), price: fc.nat() }, { requiredKeys: [] }),
    before: fc.nat({ max: log.length }),
  });
  fc.assert(
    fc.property(fc.array(legacy), (messages) => {
      let product = unknownProduct(id);
      for (const [index, event] of [...log, undefined].entries()) {
        for (const [offset, { type, timestamp, fields, before }] of messages.entries()) {
          if (before !== index) continue;
          const unversioned = { id: 'legacy', type, timestamp, payload: { id, ...fields } };
          const decoded = jsonCodec.decode(bytes(unversioned)) as ProductMessage['decoded'];
          const projected = projectEvent(product, { partition: 5, offset, decoded });
          if (projected.outcome === 'applied') product = projected.product;
        }
        if (event === undefined) break;
        const projected = projectEvent(product, message(event));
        if (projected.outcome === 'applied') product = projected.product;
      }
      expect(product).toEqual(after(...log));
    }),
  );
});

test('no decoded message whatever makes it throw', () => {
  const envelope = fc.record(
    {
      id: fc.string({ minLength: 1, unit: 'binary' }),
      type: fc.constantFrom('ProductCreated', 'ProductUpdated', 'ProductDiscontinued', 'Other', '__proto__'),
      productVersion: fc.integer({ min: 1, max: 3 }),
      schemaVersion: fc.constantFrom(1, 1, 2),
      timestamp: fc.constantFrom(
        '0000-01-01T00:00:00Z',
        '9999-12-31T23:59:59.999999999-23:59',
        '2026-01-01T24:00:00+05:30',
      ),
      payload: fc.record(
        { id: fc.constant('p'), name: fc.string({ unit: 'binary' }), price: fc.double() },
        { requiredKeys: ['id'] },
      ),
    },
    { requiredKeys: ['id', 'type', 'timestamp', 'payload'] },
  );
  fc.assert(
    fc.property(fc.array(envelope), (events) => {
      let product = unknownProduct('p');
      for (const [offset, event] of events.entries()) {
        const decoded: Decoded = jsonCodec.decode(bytes(event));
        if (decoded.kind === 'undecodable') continue;
        const projected = projectEvent(product, { partition: 0, offset, decoded });
        if (projected.outcome === 'applied') product = projected.product;
      }
      expect(product.id).toBe('p');
    }),
  );
});
