import { type Discard, type ParkedMessage, read } from '@catalogue/projection/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { projectBatch } from '../../test/products.ts';
import type { Product } from './product.ts';

const id = 'mouse';

interface Event {
  version: number;
  /** 1 for the other event of a history that forked. */
  fork: number;
  isNewer: boolean;
}

const nameOf = ({ version, fork }: Event) => `${version} ${fork}`;

/** The plain model: events come one by one, and whatever can be applied is, at once. */
class Model {
  version = 0;
  event = '';
  fates: string[] = [];
  /** In order; those that are not loaded cannot be applied. */
  waiting: { event: Event; isLoaded: boolean }[] = [];
  isDraining = false;
  readonly #discards: readonly Discard[];

  constructor(discards: readonly Discard[]) {
    this.#discards = discards;
  }

  load(count: number): void {
    for (const [index, waiting] of this.waiting.entries()) waiting.isLoaded = index < count;
  }

  take(event: Event): void {
    const isKnown = this.event === nameOf(event) || this.waiting.some((it) => nameOf(it.event) === nameOf(event));
    if (event.version < this.version || isKnown || this.#isDiscarded(event.version, nameOf(event))) {
      this.fates.push('repeated');
      return;
    }
    this.waiting.push({ event, isLoaded: true });
    this.waiting.sort((a, b) => a.event.version - b.event.version);
    const isFirst = this.waiting[0]?.event === event;
    this.fates.push(isFirst && this.why === undefined ? this.#outcome(event) : 'parked');
    if (isFirst) this.release();
  }

  release(): void {
    this.isDraining = false;
    for (let [first] = this.waiting; first?.isLoaded && this.why === undefined; [first] = this.waiting) {
      this.waiting.shift();
      if (this.#outcome(first.event) === 'repeated') continue;
      this.version = first.event.version;
      this.event = nameOf(first.event);
    }
    this.isDraining = this.waiting[0]?.isLoaded === false;
  }

  /** Why the first that waits cannot be applied. */
  get why(): string | undefined {
    const [first] = this.waiting;
    if (first === undefined || this.#outcome(first.event) === 'repeated') return undefined;
    const { version, isNewer } = first.event;
    if (version === this.version) return 'fork';
    for (let missing = this.version + 1; missing < version; missing++)
      if (!this.#isDiscarded(missing, '')) return 'gap';
    return isNewer && !this.#isDiscarded(version, '') ? 'newer-schema' : undefined;
  }

  #outcome(event: Event): string {
    if (event.version < this.version || this.#isDiscarded(event.version, nameOf(event))) return 'repeated';
    return this.#isDiscarded(event.version, '') ? 'skipped' : 'applied';
  }

  #isDiscarded(version: number, eventId: string): boolean {
    return this.#discards.some((it) => it.version === version && it.eventId === eventId);
  }
}

/** The product and its queue as the tables keep them, of which a batch loads only what it needs. */
class Tables {
  product: Product | undefined;
  queue: ParkedMessage[] = [];
  #offset = 0;

  fold(events: readonly Event[], isResumed: boolean, loaded: number, discards: readonly Discard[]) {
    const messages = read(
      events.map((event) => ({ partition: 0, offset: this.#offset++, key: id, value: Buffer.from(stringify(event)) })),
    );
    const unloaded = (message: ParkedMessage) => ({ ...message, value: null, unloaded: true });
    const queue = this.queue.flatMap((message, index) => {
      if (index < loaded) return [message];
      const isSought = events.some(({ version }) => version === message.version);
      return index === 0 || index === loaded || isSought ? [unloaded(message)] : [];
    });
    const folded = projectBatch(
      {
        products: new Map(this.product === undefined ? [] : [[id, this.product]]),
        queues: new Map([[id, queue]]),
        discards: new Map([[id, discards]]),
      },
      messages,
      isResumed ? [id] : [],
    );
    const { created, renamed, changed, parked, released } = folded;
    this.product = [...created, ...renamed, ...changed].at(-1) ?? this.product;
    const isIn = (some: readonly ParkedMessage[]) => (it: ParkedMessage) =>
      some.find(({ offset }) => offset === it.offset);
    // What came and was applied at once was never stored.
    if (!released.every(isIn(this.queue))) throw new Error('A message was released that is not stored');
    const values = new Map(this.queue.map(({ offset, value }) => [offset, value]));
    this.queue = [...this.queue.filter((it) => !isIn(released)(it) && !isIn(parked)(it)), ...parked]
      .map((it) => ({ ...it, unloaded: false, value: values.get(it.offset) ?? it.value }))
      .toSorted((a, b) => (a.version ?? 0) - (b.version ?? 0) || a.offset - b.offset);
    return folded;
  }
}

function stringify(event: Event): string {
  const { version, isNewer } = event;
  return JSON.stringify({
    id: nameOf(event),
    type: version === 1 ? 'ProductCreated' : 'ProductUpdated',
    schemaVersion: isNewer ? 9 : 1,
    productVersion: version,
    payload: version === 1 ? { id, name: 'Mouse', price: 1 } : { id, price: version },
    timestamp: '2026-11-23T10:00:00.000Z',
  });
}

const anEvent = fc.record<Event>({
  version: fc.integer({ min: 1, max: 7 }),
  fork: fc.constantFrom(0, 0, 0, 1),
  isNewer: fc.constantFrom(false, false, false, false, true),
});

/** What happens to a product: a batch arrives, of whose queue so many are loaded, or its release goes on. */
const aStep = fc.record({ events: fc.array(anEvent, { maxLength: 4 }), loadable: fc.integer({ min: 1, max: 3 }) });

test('in batches and pieces of any size, a product and its queue become what they would one event at a time', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(fc.array(aStep, { maxLength: 12 }), fc.subarray([2, 3, 4]), (steps, skipped) => {
      const discards = skipped.map((version) => ({ version, eventId: version === 4 ? '4 1' : '' }));
      const [tables, model] = [new Tables(), new Model(discards)];
      for (const { events, loadable } of steps) {
        const first = model.waiting[0]?.event.version ?? 0;
        const isResumed = events.length === 0;
        // As `readWaiting` does: for an event that stood in the way, or a release.
        const isLoaded = isResumed || events.some(({ version }) => version > model.version && version < first);
        const loaded = isLoaded ? loadable : 0;
        model.load(loaded);
        model.fates = [];
        for (const event of events) model.take(event);
        if (isResumed) model.release();

        const { fates } = tables.fold(events, isResumed, loaded, discards);
        const { version = 0, eventId, parked = false } = tables.product ?? {};
        expect({ fates, version, event: eventId ?? '', parked }).toEqual({
          fates: model.fates,
          version: model.version,
          event: model.event,
          parked: model.waiting.length > 0,
        });
        const [head, ...rest] = tables.queue;
        expect(tables.queue.map((message) => message.eventId)).toEqual(model.waiting.map(({ event }) => nameOf(event)));
        // The first says what all wait for, and alone may drain.
        expect(head?.draining ?? false).toBe(model.isDraining);
        expect(head?.reason).toBe(model.isDraining ? 'queued' : model.why);
        expect(rest.filter((message) => message.draining)).toEqual([]);
        seen.add(head === undefined ? 'flowing' : head.draining ? 'draining' : 'blocked');
      }
    }),
    { numRuns: 2_000 },
  );
  expect([...seen].toSorted()).toEqual(['blocked', 'draining', 'flowing']);
});
