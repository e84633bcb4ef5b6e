import type { LegacyEnvelope } from '@catalogue/contracts';
import { describe, expect, test } from 'vitest';
import { eventsOf, type Said, StoredRows } from '../../test/events.ts';
import { dayMs, onDay } from '../../test/lines.ts';
import { parseMarkets } from '../rules/markets.ts';
import { evolve, mergeLegacy, type PricedProduct, unknownProduct } from './priced-product.ts';

const markets = parseMarkets('{"EU": {"zone": "UTC"}}');
const fresh = parseMarkets('{"EU": {"zone": "UTC", "rules": ["new-products"]}}');
const fold = (...said: Said[]) => new StoredRows().apply(eventsOf(said), markets);
/** As `[from, to, cents]`, in days. */
const lineOf = ({ periods }: StoredRows) =>
  periods.map(({ from, to, cents }) => [day(from), to === null ? null : day(to), cents]);
const day = (at: number) => (at - onDay(0)) / dayMs;

describe('the price line', () => {
  test('begins with the creation and has one open period', () => {
    expect(lineOf(fold({ at: onDay(0), price: 39.9 }))).toEqual([[0, null, 3_990]]);
  });

  test('gets a period for each change of the price, with its event', () => {
    const rows = fold({ at: onDay(0), price: 100 }, { at: onDay(1), price: 80 });
    expect(rows.periods).toEqual([
      {
        product: 'mouse',
        from: onDay(0),
        to: onDay(1),
        cents: 10_000,
        version: 1,
        eventId: 'event 1',
        promotion: null,
      },
      { product: 'mouse', from: onDay(1), to: null, cents: 8_000, version: 2, eventId: 'event 2', promotion: null },
    ]);
  });

  test('does not change with a new name or the same price', () => {
    const rows = fold({ at: onDay(0), price: 100 }, { at: onDay(1), name: 'Topo' }, { at: onDay(2), price: 100 });
    expect(lineOf(rows)).toEqual([[0, null, 10_000]]);
    expect(rows.product.version).toBe(3);
  });

  test('ends when the product is discontinued, and takes no price of a product that is not offered', () => {
    const rows = fold({ at: onDay(0), price: 100 }, { at: onDay(1), isGone: true }, { at: onDay(2), price: 80 });
    expect(lineOf(rows)).toEqual([[0, 1, 10_000]]);
  });

  test('goes on with a gap when the product is created again', () => {
    const back: Said = { at: onDay(3), price: 80, isCreated: true };
    expect(lineOf(fold({ at: onDay(0), price: 100 }, { at: onDay(1), isGone: true }, back))).toEqual([
      [0, 1, 10_000],
      [3, null, 8_000],
    ]);
  });

  test('takes an event that is stamped before its predecessor at the time of the predecessor', () => {
    const rows = fold({ at: onDay(0), price: 100 }, { at: onDay(2), price: 80 }, { at: onDay(1), price: 90 });
    expect(lineOf(rows)).toEqual([
      [0, 2, 10_000],
      [2, null, 9_000],
    ]);
    expect(rows.periods[1]?.version).toBe(3);
  });

  test('is not bound by the time of a new name', () => {
    const rows = fold({ at: onDay(0), price: 100 }, { at: onDay(2), name: 'Topo' }, { at: onDay(1), price: 90 });
    expect(lineOf(rows)).toEqual([
      [0, 1, 10_000],
      [1, null, 9_000],
    ]);
  });

  test('has no empty period: of the events of an instant the last counts', () => {
    const changes = [80, 90, 100].map((price) => ({ at: onDay(1), price }));
    expect(lineOf(fold({ at: onDay(0), price: 100 }, ...changes))).toEqual([[0, null, 10_000]]);
    expect(lineOf(fold({ at: onDay(0), price: 100 }, { at: onDay(0), isGone: true }))).toEqual([]);
  });

  test('keeps a price that was corrected a millisecond later', () => {
    const rows = fold({ at: onDay(0), price: 100 }, { at: onDay(1), price: 1 }, { at: onDay(1) + 1, price: 100 });
    expect(rows.periods.map(({ from, to, cents }) => [cents, to === null ? null : to - from])).toEqual([
      [10_000, dayMs],
      [100, 1],
      [10_000, null],
    ]);
  });

  test('names events by ids that PostgreSQL can store', () => {
    const [event] = eventsOf([{ at: onDay(0), price: 100 }]).map((each) => ({ ...each, id: 'a\0b\ud800' }));
    expect(event && evolve(unknownProduct('mouse'), event, markets).last?.eventId).toBe('a\ufffdb\ufffd');
  });

  test('is the same when events are applied twice, or one by one', () => {
    const said: Said[] = [100, 80, 90, 70, 70].map((price, index) => ({ at: onDay(index), price }));
    const events = eventsOf(said);
    const once = new StoredRows().apply(events, markets);
    const twice = new StoredRows().apply(events, markets).apply(events, markets);
    const slowly = new StoredRows();
    for (const event of [...events.slice(0, 3), ...events]) slowly.apply([event], markets);
    for (const rows of [twice, slowly]) {
      expect(rows.periods).toEqual(once.periods);
      expect(rows.reductions).toEqual(once.reductions);
      expect(rows.product).toEqual(once.product);
    }
  });
});

describe('a reduction', () => {
  const sale: Said[] = [
    { at: onDay(-400), price: 100 },
    { at: onDay(0), price: 80 },
  ];

  test('is stored when it starts, with its proof', () => {
    expect(fold(...sale).reductions).toEqual([
      {
        product: 'mouse',
        market: 'EU',
        appliedAt: onDay(0),
        endsAt: onDay(90),
        isOpen: true,
        cents: 8_000,
        priorCents: 10_000,
        permille: 200,
        windowFrom: onDay(-30),
        windowTo: onDay(0),
        observedDays: 30,
        basisFrom: onDay(-400),
        promotion: null,
      },
    ]);
  });

  test.each<[string, Said, number]>([
    ['rises', { at: onDay(10), price: 90 }, 10],
    ['falls further', { at: onDay(10), price: 70 }, 10],
    ['is withdrawn with the product', { at: onDay(10), isGone: true }, 10],
    ['rises after it expired', { at: onDay(100), price: 90 }, 90],
  ])('ends when the price %s', (_, next, end) => {
    expect(fold(...sale, next).reductions[0]).toMatchObject({ isOpen: false, endsAt: onDay(end) });
  });

  test('is removed if another price took effect at the same instant', () => {
    expect(fold(...sale, { at: onDay(0), price: 100 }).reductions).toEqual([]);
    expect(fold(...sale, { at: onDay(0), price: 90 }).reductions).toMatchObject([{ cents: 9_000, isOpen: true }]);
  });

  test('is not stored for a price that is not lower than the lowest', () => {
    const rows = fold(
      { at: onDay(-400), price: 100 },
      { at: onDay(-5), price: 70 },
      { at: onDay(-4), price: 100 },
      { at: onDay(0), price: 80 },
    );
    expect(rows.reductions).toMatchObject([{ appliedAt: onDay(-5), isOpen: false }]);
  });

  test('is stored for each market by its rule', () => {
    const two = parseMarkets(
      '{"DE": {"zone": "UTC", "rules": ["progressive"]}, "EU": {"zone": "UTC"}, "Fresh": {"zone": "UTC", "rules": ["perishables"]}}',
    );
    const rows = new StoredRows().apply(eventsOf([...sale, { at: onDay(45), price: 75 }]), two);
    expect(rows.reductions.map(({ market, priorCents, windowTo }) => [market, priorCents, day(windowTo)])).toEqual([
      ['DE', 10_000, 0],
      ['EU', 10_000, 0],
      ['DE', 10_000, 0],
      ['EU', 8_000, 45],
    ]);
  });
});

describe('a product of older producers', () => {
  const message = (at: number, change: { price?: number; name?: string }, type = 'ProductUpdated'): LegacyEnvelope => ({
    id: `message ${at}`,
    type,
    payload: { id: 'mouse', ...change },
    timestamp: new Date(at).toISOString(),
  });
  const created = message(onDay(-5), { name: 'Mouse', price: 100 }, 'ProductCreated');
  const messages = [created, message(onDay(-3), { price: 80 }), message(onDay(-1), { name: 'Topo' })];

  function merge(order: readonly LegacyEnvelope[]) {
    const rows = new StoredRows();
    for (const [offset, each] of order.entries()) rows.merge(each, offset, markets);
    return rows;
  }

  test('has the price that was said last, whatever the order of the messages, and an incomplete history', () => {
    for (const order of [
      messages,
      messages.toReversed(),
      [messages[1], created].filter((each) => each !== undefined),
    ]) {
      const rows = merge(order);
      expect(lineOf(rows)).toEqual([[-3, null, 8_000]]);
      expect(rows.product.completeFrom).toBeNull();
    }
  });

  test('names messages by ids that PostgreSQL can store', () => {
    const { product } = merge([{ ...created, id: 'a\0b\ud800' }]);
    expect(product.last?.eventId).toBe('a\ufffdb\ufffd');
  });

  test('is not offered before it is created', () => {
    expect(merge(messages.slice(1)).periods).toEqual([]);
    const late = message(onDay(2), { name: 'Mouse' }, 'ProductCreated');
    expect(lineOf(merge([...messages.slice(1), late]))).toEqual([[2, null, 8_000]]);
  });

  test('has a line that begins with its first event, and is complete from then on', () => {
    const rows = merge(messages).apply(eventsOf([{ at: onDay(4), price: 60 }]), markets);
    expect(lineOf(rows)).toEqual([[4, null, 6_000]]);
    expect(rows.product).toMatchObject({ completeFrom: onDay(4), legacy: null });
    expect(rows.reductions).toEqual([]);
    rows.apply(eventsOf([{ at: onDay(50), price: 50 }], 'mouse', 2), markets);
    expect(rows.reductions).toMatchObject([{ priorCents: 6_000, appliedAt: onDay(50) }]);
  });

  test('has unknown prices before its first event, if a message comes after it', () => {
    const rows = new StoredRows().apply(
      eventsOf([
        { at: onDay(0), price: 100 },
        { at: onDay(5), price: 80 },
      ]),
      fresh,
    );
    expect(rows.reductions).toHaveLength(1);
    rows.merge(message(onDay(-5), { name: 'Topo' }), 0, fresh);
    expect(rows.reductions).toHaveLength(1);
    rows.merge(message(onDay(-5), { price: 50 }), 1, fresh);
    expect(rows.reductions).toEqual([]);
    expect(rows.product.completeFrom).toBe(onDay(0));
  });

  test('does not wait for the future in which an older producer stamped a message', () => {
    const late = message(onDay(400), { name: 'Mouse', price: 50 }, 'ProductCreated');
    expect(lineOf(merge([late]).apply(eventsOf([{ at: onDay(0), price: 100 }]), markets))).toEqual([[0, null, 10_000]]);
  });

  test('whose first event is an update or its end was offered before, at unknown prices', () => {
    const [, update, end] = eventsOf([{ at: 0 }, { at: onDay(0), price: 90 }, { at: onDay(1), isGone: true }]);
    const first = (event = update) => {
      const versioned = { ...unknownProduct('mouse'), version: 1, eventId: 'event 1' };
      return event && evolve(versioned, event, markets);
    };
    expect(first(update)).toMatchObject({ completeFrom: onDay(0), last: { cents: 9_000 } });
    expect(first(end)).toMatchObject({ completeFrom: null, last: { cents: null } });
  });

  test('ignores messages about no price once there is a version, repeated ones, and types it does not know', () => {
    const outcome = (product: PricedProduct, each: LegacyEnvelope) =>
      mergeLegacy(product, each, { partition: 0, offset: 0 }, markets).outcome;
    const named = message(onDay(-1), { name: 'Topo' });
    expect(outcome({ ...unknownProduct('mouse'), version: 1 }, named)).toBe('superseded');
    expect(outcome(merge(messages).product, created)).toBe('superseded');
    expect(outcome(unknownProduct('mouse'), { ...created, type: 'ProductPainted' })).toBe('unknown');
  });
});
