import { type ChangeFeed, isMarked, type LogPosition, positionAt } from '@catalogue/reading';
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { OlderChanges } from './older.ts';
import type { ProductChange } from './product-change.ts';
import { eventOf, heartbeatAt, idOf, resetTo } from './server-sent-event.ts';

/** How many bytes may be buffered for a client before the stream pauses. The system’s own buffers come on top. */
const maxBufferedBytes = 64 * 1024;
/** Milliseconds that a client has to drain the buffer. */
const maxDrainMs = 10_000;
/** Changes per write: about 30 KB. */
export const maxBatchChanges = 100;

export type Wants = (change: ProductChange) => boolean;

/** A batch of changes, formatted once for all streams without a filter. */
export class Batch {
  readonly changes: readonly ProductChange[];
  readonly position: LogPosition;
  readonly #texts: string[];
  #whole: Buffer | undefined;

  /** @param changes at least one, without a gap. */
  constructor(generation: number, changes: readonly ProductChange[]) {
    this.changes = changes;
    this.position = positionAt(generation, changes.at(-1) as ProductChange);
    this.#texts = changes.map((change) => eventOf(generation, change));
  }

  /** Whether the position may be in the history of this batch; false if the batch has another change there. */
  mayFollow(position: LogPosition): boolean {
    const own = this.changes[position.seq - (this.changes[0]?.seq ?? 0)];
    return own === undefined || isMarked(position, own.mark);
  }

  /** The text of the wanted changes after `after`; empty if there are none. */
  textFor(after: number, wants: Wants | undefined): Buffer | string {
    if (wants === undefined && (this.changes[0]?.seq ?? 0) > after)
      return (this.#whole ??= Buffer.from(this.#texts.join('')));
    return this.changes
      .map((change, i) => (change.seq > after && (wants?.(change) ?? true) ? this.#texts[i] : ''))
      .join('');
  }
}

interface Source {
  feed: ChangeFeed<ProductChange>;
  older: OlderChanges;
}

/**
 * One client’s stream. While the client keeps up, it gets each batch as the feed reads it. When too much is buffered,
 * the stream catches up on its own, at the client’s speed. A client that reads nothing for ten seconds is disconnected,
 * and can resume.
 */
export class ChangeStream {
  readonly #response: ServerResponse;
  readonly #source: Source;
  readonly #wants: Wants | undefined;
  #after: LogPosition;
  #isLive = false;
  #wasAhead = false;

  constructor(response: ServerResponse, source: Source, after: LogPosition, wants: Wants | undefined) {
    this.#response = response;
    this.#source = source;
    this.#after = after;
    this.#wants = wants;
  }

  /** Sends the changes since its position, then the new ones. */
  async begin(): Promise<void> {
    this.#write(`retry: 1000\nid: ${idOf(this.#after)}\n\n`);
    await this.#catchUp();
  }

  /** Takes the next changes of the feed. */
  take(batch: Batch): void {
    if (!this.#isLive) return;
    // The client is ahead: another instance had read more, or the log has lost changes that the client received.
    if (!batch.mayFollow(this.#after)) {
      this.reset(batch.position);
      return;
    }
    if (batch.position.seq <= this.#after.seq) return;
    this.#write(batch.textFor(this.#after.seq, this.#wants));
    this.#after = batch.position;
    if (this.#isFull()) {
      this.#isLive = false;
      void this.#catchUp();
    }
  }

  /** Tells the client to reload, and continues from another position. */
  reset(position: LogPosition): void {
    this.#after = position;
    this.#write(resetTo(position));
  }

  beat(): void {
    const { position } = this.#source.feed;
    if (!this.#isLive || position === undefined) return;
    // The client came from an instance that was ahead of this one, which should have caught up by now.
    const isAhead = this.#after.seq > position.seq;
    if (isAhead && this.#wasAhead) this.reset(position);
    else this.#write(heartbeatAt(this.#after));
    this.#wasAhead = isAhead;
  }

  end(): void {
    if (this.#isFull()) this.#response.destroy();
    else this.#response.end();
  }

  async #catchUp(): Promise<void> {
    try {
      for (;;) {
        await this.#drained();
        // No `await` between the check and the change: no batch comes in between.
        this.#isLive = this.#isCaughtUp();
        if (this.#isLive || this.#isOver()) return;
        await this.#sendSome();
      }
    } catch {
      // The client read nothing for too long, or the database is down: the client reconnects and resumes.
      this.#response.destroy();
    }
  }

  #isOver(): boolean {
    return this.#response.destroyed || this.#response.writableEnded;
  }

  #isCaughtUp(): boolean {
    const { position } = this.#source.feed;
    if (position?.generation !== this.#after.generation || this.#after.seq < position.seq) return false;
    return this.#after.seq > position.seq || isMarked(this.#after, position.mark ?? null);
  }

  /** Sends the next changes after its position, or a reset if they are no longer stored. */
  async #sendSome(): Promise<void> {
    const { feed, older } = this.#source;
    const from = this.#after;
    const isOfToday = from.generation === feed.position?.generation;
    const changes = isOfToday ? (feed.since(from) ?? (await older.after(from))) : undefined;
    // Meanwhile another generation began to serve, and the client got a reset.
    if (this.#after !== from) return;
    if (changes === undefined && feed.position !== undefined) this.reset(feed.position);
    if (changes === undefined) return;
    const batch = new Batch(from.generation, changes.slice(0, maxBatchChanges));
    this.#write(batch.textFor(from.seq, this.#wants));
    this.#after = batch.position;
  }

  async #drained(): Promise<void> {
    if (!this.#isFull()) return;
    await once(this.#response, 'drain', { signal: AbortSignal.timeout(maxDrainMs) });
  }

  #isFull(): boolean {
    return this.#response.writableLength > maxBufferedBytes;
  }

  #write(text: Buffer | string): void {
    // Writing to a response that has ended but is still being sent raises an error, which would end the process.
    if (text.length > 0 && !this.#isOver()) this.#response.write(text);
  }
}
