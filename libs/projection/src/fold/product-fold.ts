import { keptOrigin, parkedMessage, type Readable, read } from './message.ts';
import type { Model, Step, Tracked } from '../model.ts';
import type { Fate, Folded } from './outcome.ts';
import type { ParkedMessage } from './parked-message.ts';
import { type Discard, projectEvent } from './project-event.ts';
import { storable } from './storable.ts';

/** What the read model stores about the products of some messages. */
export interface Known<Row> {
  /** The rows that exist. */
  products: ReadonlyMap<string, Row>;
  /**
   * The waiting messages of parked products, in the order of versions: the first ones, up to one that is marked as not
   * loaded; after it only those that have the version of a message to fold.
   */
  queues: ReadonlyMap<string, readonly ParkedMessage[]>;
  discards: ReadonlyMap<string, readonly Discard[]>;
  /** The broker's id of the consumed topic; absent when parked messages are folded again. */
  topicId?: string;
}

/** A message that waits. */
interface Waiting {
  /** The message with its present reason. */
  message: ParkedMessage;
  /** The message as it is stored; undefined if it is new. */
  readonly stored: ParkedMessage | undefined;
}

type Wording = Pick<ParkedMessage, 'reason' | 'detail'>;

const draining: Wording = {
  reason: 'queued',
  detail: 'Nothing blocks the product any more: its messages are being applied, a piece at a time',
};

const behind = ({ version, eventId }: ParkedMessage): Wording => ({
  reason: 'queued',
  detail: `Waits behind version ${version}, event ${eventId}`,
});

/**
 * A product while messages are folded into it, with its queue: the messages that wait, in the order of their versions.
 *
 * | State      | The first of the queue                                                          |
 * | ---------- | ------------------------------------------------------------------------------- |
 * | `flowing`  | The queue is empty.                                                             |
 * | `blocked`  | It cannot be applied, and says what all wait for.                               |
 * | `draining` | It can be applied, but is not loaded: the workers resume the product with more. |
 *
 * | A message …                            | flowing  | blocked            | draining           |
 * | -------------------------------------- | -------- | ------------------ | ------------------ |
 * | repeats another, or has no version     | as it is | as it is           | as it is           |
 * | comes first and can be applied         | flowing  | applies, `release` | applies, `release` |
 * | comes first and cannot be applied      | blocked  | blocked            | blocked            |
 * | comes behind the first: it waits       | –        | blocked            | draining           |
 * | (none, but the product is `resume`d)   | flowing  | `release`          | `release`          |
 *
 * `release` applies the queue from its first message on. It ends when the queue is empty (flowing), or when the next
 * message cannot be applied (blocked) or is not loaded (draining). Only differences are written: the row's `parked`,
 * messages that begin to wait, and messages whose reason has changed. A reason changes when another message becomes the
 * first, because the first says what all wait for.
 */
export class ProductFold<Row extends Tracked> {
  readonly #model: Model<Row>;
  readonly #row: Row;
  readonly #isNew: boolean;
  readonly #queue: Waiting[];
  readonly #discards: readonly Discard[];
  readonly #steps: Step<Row>[];
  readonly #released: ParkedMessage[] = [];
  #product: Row;

  /** @param steps the list to which each step of the product is added. */
  constructor(model: Model<Row>, id: string, { products, queues, discards }: Known<Row>, steps: Step<Row>[]) {
    this.#model = model;
    const row = products.get(id);
    this.#isNew = row === undefined;
    this.#row = row ?? model.empty(id);
    this.#product = this.#row;
    this.#queue = (queues.get(id) ?? []).map((message) => ({ message, stored: message }));
    this.#discards = discards.get(id) ?? [];
    this.#steps = steps;
  }

  /** Applies a message, or lets it wait. */
  take(message: Readable): Fate {
    const { decoded } = message;
    const projected = projectEvent(this.#model, this.#product, message, this.#discards);
    if (decoded.kind === 'legacy' || projected.outcome === 'repeated') {
      if ('product' in projected) this.#step(projected.product);
      return projected.outcome as Fate;
    }
    const eventId = storable(decoded.event.id);
    const { productVersion: version, type } = decoded.event;
    if (this.#queue.some((waiting) => waiting.message.eventId === eventId)) return 'repeated';
    const first = this.#queue[0]?.message;
    const isFirst = first === undefined || version < (first.version ?? 0);
    if (isFirst && 'product' in projected) {
      this.#step(projected.product);
      this.#release();
      return projected.outcome;
    }
    const about = { productId: this.#product.id, version, eventId, type: storable(type) };
    const { reason, detail } = isFirst && 'reason' in projected ? projected : this.#whyBehind(version);
    this.#park(parkedMessage(keptOrigin(message), { ...about, reason, detail }));
    return 'parked';
  }

  /** Applies waiting messages as far as possible; returns the first that still waits. */
  resume(): ParkedMessage | undefined {
    this.#release();
    if (this.#queue.length === 0 && this.#product.parked) this.#step({ ...this.#product, parked: false });
    return this.#queue[0]?.message;
  }

  /** Adds the changes to write. */
  addTo({ rows, parked, released }: Folded<Row>): void {
    for (const { message, stored } of this.#queue) if (message !== stored) parked.push(message);
    released.push(...this.#released);
    if (this.#product === this.#row) return;
    rows.push({ before: this.#isNew ? undefined : this.#row, after: this.#product });
  }

  /** Why a message behind the first one waits. */
  #whyBehind(version: number): Wording {
    const rival = this.#queue.find((waiting) => waiting.message.version === version)?.message;
    if (rival === undefined) return behind(this.#queue[0]?.message as ParkedMessage);
    return { reason: 'fork', detail: `Event ${rival.eventId} of the same version waits already: the history forked` };
  }

  #park(message: ParkedMessage): void {
    const [first] = this.#queue;
    const after = this.#queue.findIndex((waiting) => (waiting.message.version ?? 0) > (message.version ?? 0));
    this.#queue.splice(after < 0 ? this.#queue.length : after, 0, { message, stored: undefined });
    if (after === 0 && first?.message.draining) this.#reword(first, behind(message));
    if (!this.#product.parked) this.#step({ ...this.#product, parked: true });
  }

  #release(): void {
    for (let first = this.#queue[0]; first !== undefined; first = this.#queue[0]) {
      if (first.message.unloaded) {
        this.#reword(first, draining, true);
        return;
      }
      const [message] = read([first.message]);
      const projected =
        message !== undefined && 'productId' in message
          ? projectEvent(this.#model, this.#product, message, this.#discards)
          : { outcome: 'blocked' as const, ...first.message };
      if (projected.outcome === 'blocked') {
        this.#reword(first, projected);
        for (const other of this.#queue)
          if (other !== first && other.message.draining) this.#reword(other, behind(first.message));
        return;
      }
      this.#queue.shift();
      if (first.stored !== undefined) this.#released.push(first.stored);
      const parked = this.#queue.length > 0;
      if ('product' in projected) this.#step({ ...projected.product, parked });
      else if (!parked) this.#step({ ...this.#product, parked });
    }
  }

  #reword(waiting: Waiting, { reason, detail }: Wording, isDraining = false): void {
    const { message } = waiting;
    const wasDraining = message.draining ?? false;
    if (message.reason === reason && message.detail === detail && wasDraining === isDraining) return;
    waiting.message = { ...message, reason, detail, draining: isDraining };
    // A step without a change: requests that wait for the product learn that it is blocked.
    if (wasDraining && !isDraining) this.#step(this.#product);
  }

  #step(after: Row): void {
    this.#steps.push({ before: this.#product, after });
    this.#product = after;
  }
}
