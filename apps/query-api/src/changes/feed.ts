import type { Sql } from '@catalogue/postgres';
import { changesAppended } from '@catalogue/read-schema';
import type { Logger } from '@catalogue/service';
import { inTime } from '../in-time.ts';
import { overloaded } from '../overloaded.ts';
import { type Change, changesAfter, type LogPosition, newestChanges, readLog, readNewest } from './log.ts';
import { RecentChanges } from './recent.ts';

export interface FeedListener {
  /** What has happened since the last call, in order. */
  changed(changes: readonly Change[]): void;
  /**
   * What follows has no connection to what came before: another generation serves, changes were missed, or the log has another
   * history, after a failover or a restore that lost what was read already.
   */
  reset(): void;
}

// Milliseconds between looks at the log, when no hint comes. The first is for those who wait for a write that is on its way,
// typically for less than 10 ms; an empty look takes 0.2 ms, so that even 200 a second cost little.
const usualPausesMs = { soonest: 5, wanted: 50, idle: 250 };
// Between a look and one for a hint that came meanwhile.
const hintPauseMs = 2;
/** Changes a look reads, and changes that are kept: 10 000 are some 5 MB. */
const maxReadChanges = 1_000;
const kept = 10_000;
/** Who waits for a look: where the database is that slow, more of them would only wait longer. */
const maxAsking = 5_000;
const maxTurns = 8;
/** For a look and the one before it: a database that is frozen answers neither. */
const maxLookMs = 5_000;

/**
 * Follows the change log of the generation that serves, for all who wait for changes or listen to them: one reader a
 * process, however many they are. What it has read is visible to every later statement on the same server.
 */
export class ChangeFeed {
  readonly #sql: Sql;
  readonly #log: Logger;
  readonly #listeners = new Set<FeedListener>();
  /** Undefined before the first look; another object whenever listeners are told to begin anew. */
  #recent: RecentChanges | undefined;
  /** When the last of them was read, in milliseconds of `performance.now()`. */
  #changedAt = 0;
  readonly #begun = Promise.withResolvers<void>();
  /** The look that those wait for who asked since the last one was sent. */
  #next: Promise<void> | undefined;
  #underWay: Promise<void> = Promise.resolve();
  #asking = 0;
  #wanted = 0;
  readonly #pauses: typeof usualPausesMs;
  #pause: number;
  #hinted = false;
  #wake = () => {};

  constructor(sql: Sql, log: Logger, pauses = usualPausesMs) {
    this.#sql = sql;
    this.#log = log;
    this.#pauses = pauses;
    this.#pause = pauses.soonest;
  }

  /** As far as it has read; undefined before the first look. */
  get position(): LogPosition | undefined {
    return this.#recent?.position;
  }

  /** Resolves when it has a position. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /**
   * Whether nothing happened to a product, as far as is known, since a position that this feed had: what was read of it from
   * then on is what it is now.
   */
  isUnchanged(productId: string, position: LogPosition): boolean {
    return this.includes(position) && (this.lastOf(productId)?.seq ?? 0) <= position.seq;
  }

  /** Whether a position is one of the log that is followed, as far as it is read and kept. */
  includes(position: LogPosition | undefined): boolean {
    return position !== undefined && this.#recent?.includes(position) === true;
  }

  /** Whether a position comes after another one, or is the same, in the log that is followed. */
  isAtOrAfter(position: LogPosition | undefined, earlier: LogPosition | undefined): boolean {
    if (position === undefined || earlier === undefined || position.seq < earlier.seq) return false;
    return this.includes(position) && this.includes(earlier);
  }

  /** Milliseconds since the read model last changed; undefined when it has no changes. */
  get lastChangeAgeMs(): number | undefined {
    const ageMs = this.#recent?.last?.ageMs;
    return ageMs && Math.max(0, ageMs + performance.now() - this.#changedAt);
  }

  /** The last change of a product, if it was not long ago: every query from now on shows it or a later one. */
  lastOf(productId: string): Change | undefined {
    return this.#recent?.lastOf(productId);
  }

  /** The changes after a position, from memory; undefined when it is not, or not any more, one that memory reaches back to. */
  since(position: LogPosition): readonly Change[] | undefined {
    return this.#recent?.since(position);
  }

  listen(listener: FeedListener): void {
    this.#listeners.add(listener);
  }

  /** From now on somebody waits for changes: looks at the log soon, and often until as many have called `unwant`. */
  want(): void {
    this.#wanted += 1;
    if (this.#pause <= this.#pauses.soonest) return;
    this.#pause = this.#pauses.soonest;
    this.#wake();
  }

  unwant(): void {
    this.#wanted -= 1;
  }

  /**
   * Resolves when all that was committed before this call has been read: one look at the log for all who ask in one turn of
   * the event loop, or while a look is under way.
   * @throws what the read throws; a `Problem`, `overloaded`, when too many wait for it, `unavailable` after 5 s.
   */
  async current(): Promise<void> {
    if (this.#asking >= maxAsking) throw overloaded();
    this.#asking += 1;
    try {
      await (this.#next ??= inTime(this.#lookNext(), maxLookMs));
    } finally {
      this.#asking -= 1;
    }
  }

  /** Follows until the signal is aborted. With the database away it goes on when that is back. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    // A convenience: a lost connection is made again, and a standby, which knows no LISTEN, is looked at now and then.
    this.#sql
      .listen(changesAppended, (generation) => this.#hint(generation))
      .catch((err: unknown) => this.#log.warn({ err }, 'No hints of changes: looking for them now and then only'));
    let failing = false;
    while (!signal.aborted) {
      try {
        const before = this.position;
        await this.current();
        failing = false;
        this.#pause = this.position === before ? this.#pause * 1.25 : this.#pauses.soonest;
      } catch (err) {
        if (!failing) this.#log.warn({ err }, 'The change log cannot be read: tokens and streams wait');
        failing = true;
        this.#pause = this.#pauses.idle;
      }
      if (!signal.aborted) await this.#sleep();
    }
  }

  /** Looks at once when somebody waits. Looking now and then is the truth: a hint only cuts the pause short. */
  #hint(generation: string): void {
    if (this.#wanted === 0 || generation !== String(this.position?.generation)) return;
    this.#hinted = true;
    this.#wake();
  }

  async #lookNext(): Promise<void> {
    // Turn by turn, as long as more ask in each: under load a look serves twice as many for that.
    for (let turn = 0, before = 0; turn < maxTurns && this.#asking > before; turn++) {
      before = this.#asking;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.#underWay.catch(() => {}); // Who waits for it is told.
    // Whoever asks from now on is not answered by what is sent now.
    this.#next = undefined;
    this.#underWay = this.#lookOn();
    await this.#underWay;
  }

  async #lookOn(): Promise<void> {
    while (!(await this.#look()));
  }

  /** Reads what is new, and tells; returns whether that was all. */
  async #look(): Promise<boolean> {
    const recent = this.#recent;
    if (recent === undefined) return await this.#begin();
    const read = await readLog(this.#sql, recent.position, maxReadChanges);
    const changes = changesAfter(read, recent.position);
    if (changes === undefined) return await this.#begin();
    recent.add(changes);
    if (changes.length > 0) this.#changedAt = performance.now();
    // In one go now and then: removing from the front moves all the others.
    if (recent.count >= kept + maxReadChanges) recent.keep(kept);
    if (changes.length > 0) for (const listener of this.#listeners) listener.changed(changes);
    // Changes that are gone before they were read end what is read, too: the next look finds that.
    return recent.position.seq >= read.last;
  }

  /** Goes on from the end of the log. What streams resume from after a restart of this process is in memory from then on. */
  async #begin(): Promise<true> {
    const before = this.position;
    const { base, changes } = newestChanges(await readNewest(this.#sql, kept));
    this.#recent = new RecentChanges(base, changes);
    this.#changedAt = performance.now();
    this.#begun.resolve();
    if (before === undefined) return true;
    this.#log.info({ before, after: this.position }, 'The change log is followed from a new position');
    for (const listener of this.#listeners) listener.reset();
    return true;
  }

  async #sleep(): Promise<void> {
    this.#pause = Math.min(this.#pause, this.#wanted > 0 ? this.#pauses.wanted : this.#pauses.idle);
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, this.#hinted ? hintPauseMs : this.#pause);
    this.#wake = resolve;
    await promise;
    clearTimeout(timer);
    this.#hinted = false;
  }
}
