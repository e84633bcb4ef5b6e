import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { ChangeFeed } from './feed.ts';
import { type Change, isMarked, type LogPosition } from './log.ts';
import type { OlderChanges } from './older.ts';
import { positionAt } from './recent.ts';
import { eventOf, heartbeatAt, idOf, resetTo } from './server-sent-event.ts';

/** Bytes that wait for a client at most before no more are written for it; the system's own buffers come on top. */
const maxBufferedBytes = 64 * 1024;
/** Milliseconds in which a client has to take what waits for it. */
const maxDrainMs = 10_000;
/** Changes that are written in one piece: some 30 KB. */
export const maxBatchChanges = 100;

export type Wants = (change: Change) => boolean;

/** The changes of one moment, in the form that all streams without a filter are sent: made once. */
export class Batch {
  readonly changes: readonly Change[];
  readonly position: LogPosition;
  readonly #texts: string[];
  #whole: Buffer | undefined;

  /** @param changes at least one, without a gap. */
  constructor(generation: number, changes: readonly Change[]) {
    this.changes = changes;
    this.position = positionAt(generation, changes.at(-1) as Change);
    this.#texts = changes.map((change) => eventOf(generation, change));
  }

  /** Whether the log that it is of may be the one that a position is from: false when it holds another change there. */
  mayFollow(position: LogPosition): boolean {
    const own = this.changes[position.seq - (this.changes[0]?.seq ?? 0)];
    return own === undefined || isMarked(position, own.mark);
  }

  /** What of it comes after a change, as far as it is wanted; empty when nothing does. */
  textFor(after: number, wants: Wants | undefined): Buffer | string {
    if (wants === undefined && (this.changes[0]?.seq ?? 0) > after)
      return (this.#whole ??= Buffer.from(this.#texts.join('')));
    return this.changes
      .map((change, i) => (change.seq > after && (wants?.(change) ?? true) ? this.#texts[i] : ''))
      .join('');
  }
}

interface Source {
  feed: ChangeFeed;
  older: OlderChanges;
}

/**
 * One client's stream. While it keeps up, it is given each batch of changes as it comes. When too much waits for it, it reads on
 * by itself, as fast as it takes what it is sent; one that takes nothing for ten seconds is cut off, and resumes where it was.
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

  /** Sends what has happened since its position, and from then on what happens. */
  async begin(): Promise<void> {
    this.#write(`retry: 1000\nid: ${idOf(this.#after)}\n\n`);
    await this.#catchUp();
  }

  /** Takes the next changes of the feed. */
  take(batch: Batch): void {
    if (!this.#isLive) return;
    // It is ahead: it came from an instance that has read more, or the log has lost what it was sent.
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

  /** What follows has no connection to what it was sent. */
  reset(position: LogPosition): void {
    this.#after = position;
    this.#write(resetTo(position));
  }

  beat(): void {
    const { position } = this.#source.feed;
    if (!this.#isLive || position === undefined) return;
    // It came from an instance that was ahead of this one, which should have caught up by now.
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
        // In one step with the look: no batch comes in between.
        this.#isLive = this.#isCaughtUp();
        if (this.#isLive || this.#isOver()) return;
        await this.#sendSome();
      }
    } catch {
      // It took nothing for too long, or the database is away: the client comes back to where it was.
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

  /** Sends the next changes after its position, or tells that they are not kept any more. */
  async #sendSome(): Promise<void> {
    const { feed, older } = this.#source;
    const from = this.#after;
    const isOfToday = from.generation === feed.position?.generation;
    const changes = isOfToday ? (feed.since(from) ?? (await older.after(from))) : undefined;
    // Another generation serves since, and it was told.
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
    // One that was ended and is not sent whole yet would take more for a fault, which ends the process.
    if (text.length > 0 && !this.#isOver()) this.#response.write(text);
  }
}
