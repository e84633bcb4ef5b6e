import { errorCode } from '@catalogue/postgres';
import type { Logger } from '@catalogue/service';
import { inTime, overloaded } from '../outage.ts';
import { type ChangeLog, changesAfter, type LoggedChange, type LogPosition, newestChanges } from './log.ts';
import { RecentChanges } from './recent.ts';

export interface FeedListener<Change extends LoggedChange = LoggedChange> {
  /** Called with the changes since the last call, in order. */
  changed(changes: readonly Change[]): void;
  /**
   * Called when the next changes do not follow the last ones: another generation serves, changes were missed, or a failover or
   * restore lost changes that were read already.
   */
  reset(): void;
}

// Milliseconds between reads of the log without hints. The shortest pause is for requests that wait for a write on its way,
// typically less than 10 ms. An empty read takes 0.2 ms, so even 200 a second cost little.
const usualPausesMs = { soonest: 5, wanted: 50, idle: 250 };
// The pause between a read and the read for a hint that arrived meanwhile.
const hintPauseMs = 2;
/** How many changes one read returns, and how many stay in memory: 10 000 take about 5 MB. */
const maxReadChanges = 1_000;
const maxKeptChanges = 10_000;
/** The most changes that are read for nobody, if the feed may skip. */
const maxUnwantedChanges = 200;
/** Callers that may wait for a read. If the database is that slow, more would only wait longer. */
const maxCallers = 5_000;
const maxTurns = 8;
/** Limit for a read together with the one before it: a frozen database answers neither. */
const maxLookMs = 5_000;

export interface FeedOptions {
  pauses?: typeof usualPausesMs;
  /**
   * True for a service without streams, where nobody resumes at an earlier change. While no request waits, the feed
   * reads every 250 ms at most, and skips all changes if there are more than 200. False when absent.
   */
  maySkip?: boolean;
}

/**
 * Follows the change log of the serving generation, for all requests that wait for changes and all streams: one reader
 * per process. Every later statement on the same server sees the changes that it has read.
 */
export class ChangeFeed<Change extends LoggedChange = LoggedChange> {
  readonly #changeLog: ChangeLog<Change>;
  readonly #log: Logger;
  readonly #listeners = new Set<FeedListener<Change>>();
  /** Undefined before the first read. Replaced by a new object whenever listeners get a reset. */
  #recent: RecentChanges<Change> | undefined;
  /** When the newest change was read, in milliseconds of `performance.now()`. */
  #changedAt = 0;
  readonly #begun = Promise.withResolvers<void>();
  /** The read for the callers since the last one was sent. */
  #next: Promise<void> | undefined;
  #underWay: Promise<void> = Promise.resolve();
  #asking = 0;
  #wanted = 0;
  readonly #pauses: typeof usualPausesMs;
  readonly #maySkip: boolean;
  #pause: number;
  #hinted = false;
  #wake = () => {};

  constructor(
    changeLog: ChangeLog<Change>,
    log: Logger,
    { pauses = usualPausesMs, maySkip = false }: FeedOptions = {},
  ) {
    this.#changeLog = changeLog;
    this.#log = log;
    this.#pauses = pauses;
    this.#maySkip = maySkip;
    this.#pause = pauses.soonest;
  }

  /** How far the feed has read; undefined before the first read. */
  get position(): LogPosition | undefined {
    return this.#recent?.position;
  }

  /** Resolves when the feed has a position. */
  get begun(): Promise<void> {
    return this.#begun.promise;
  }

  /**
   * Whether the feed knows no change of a product since an earlier position of the feed: if so, a row read since then
   * is current.
   */
  isUnchanged(productId: string, position: LogPosition): boolean {
    return this.includes(position) && (this.lastOf(productId)?.seq ?? 0) <= position.seq;
  }

  /** Whether a position belongs to the followed log, as far as it is read and kept. */
  includes(position: LogPosition | undefined): boolean {
    return position !== undefined && this.#recent?.includes(position) === true;
  }

  /** Whether a position of the followed log is at or after another one. */
  isAtOrAfter(position: LogPosition | undefined, earlier: LogPosition | undefined): boolean {
    if (position === undefined || earlier === undefined || position.seq < earlier.seq) return false;
    return this.includes(position) && this.includes(earlier);
  }

  /** Milliseconds since the last change of the read model; undefined if it has none. */
  get lastChangeAgeMs(): number | undefined {
    const ageMs = this.#recent?.last?.ageMs;
    return ageMs && Math.max(0, ageMs + performance.now() - this.#changedAt);
  }

  /** The last change of a product, if it is still in memory. Every query from now on shows it or a later one. */
  lastOf(productId: string): Change | undefined {
    return this.#recent?.lastOf(productId);
  }

  /** The changes after a position, from memory; undefined if memory does not reach back to the position. */
  since(position: LogPosition): readonly Change[] | undefined {
    return this.#recent?.since(position);
  }

  listen(listener: FeedListener<Change>): void {
    this.#listeners.add(listener);
  }

  /** Announces that a request or a stream waits for changes: the feed reads the log often, until `unwant` is called for it. */
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
   * Resolves when the feed has read all that was committed before this call. Callers of one turn of the event loop, or during a
   * read, share one read.
   * @throws the error of the read; {Problem} `overloaded` if too many wait, `unavailable` after 5 s.
   */
  async current(): Promise<void> {
    if (this.#asking >= maxCallers) throw overloaded();
    this.#asking += 1;
    try {
      await (this.#next ??= inTime(this.#lookNext(), maxLookMs));
    } finally {
      this.#asking -= 1;
    }
  }

  /** Follows the log until the signal is aborted. If the database is down, continues when it is back. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.#wake(), { once: true });
    // Only an optimization: the feed also reads without hints.
    this.#changeLog
      .listen((generation) => this.#hint(generation))
      .catch((err: unknown) => {
        if (!signal.aborted) this.#log.warn({ err }, 'Listening for changes failed; polling the change log');
      });
    // Error codes logged in this outage: the first tells only that the connection was lost, a later one why.
    const logged = new Set<string | undefined>();
    while (!signal.aborted) {
      try {
        const before = this.position;
        await this.current();
        logged.clear();
        const soonest = this.#mayWait ? this.#pauses.idle : this.#pauses.soonest;
        this.#pause = this.position === before ? this.#pause * 1.25 : soonest;
      } catch (err) {
        if (signal.aborted) break;
        const code = errorCode(err);
        if (!logged.has(code)) this.#log.warn({ err }, 'The change log cannot be read: tokens and streams wait');
        logged.add(code);
        this.#pause = this.#pauses.idle;
      }
      if (!signal.aborted) await this.#sleep();
    }
  }

  get #mayWait(): boolean {
    return this.#maySkip && this.#wanted === 0;
  }

  /** Reads at once if a request waits. Hints only shorten the pauses: reading at intervals is what finds every change. */
  #hint(generation: string): void {
    if (this.#wanted === 0 || generation !== String(this.position?.generation)) return;
    this.#hinted = true;
    this.#wake();
  }

  async #lookNext(): Promise<void> {
    // Waits while each turn brings more callers: under load, one read then serves twice as many.
    for (let turn = 0, before = 0; turn < maxTurns && this.#asking > before; turn++) {
      before = this.#asking;
      await new Promise((resolve) => setImmediate(resolve));
    }
    await this.#underWay.catch(() => {}); // Its own callers get the error.
    // Later callers need a later read than the one that is sent now.
    this.#next = undefined;
    this.#underWay = this.#lookOn();
    await this.#underWay;
  }

  async #lookOn(): Promise<void> {
    while (!(await this.#look()));
  }

  /** Reads new changes and informs the listeners. Returns whether it reached the end of the log. */
  async #look(): Promise<boolean> {
    const recent = this.#recent;
    if (recent === undefined) return await this.#begin();
    const maySkip = this.#mayWait;
    const most = maySkip ? maxUnwantedChanges : maxReadChanges;
    const read = await this.#changeLog.read(recent.position, most);
    const changes = changesAfter(read, recent.position);
    if (changes === undefined) return await this.#begin();
    if (maySkip && read.last - recent.position.seq > most) return await this.#skip();
    recent.add(changes);
    if (changes.length > 0) this.#changedAt = performance.now();
    // Trims rarely and in one step: removing from the front moves all other elements.
    if (recent.count >= maxKeptChanges + maxReadChanges) recent.keep(maxKeptChanges);
    if (changes.length > 0) for (const listener of this.#listeners) listener.changed(changes);
    // If changes were pruned before they were read, the known part ends there: the next read notices.
    return recent.position.seq >= read.last;
  }

  async #skip(): Promise<true> {
    // One change: its mark tells at the next read whether the log is still the same.
    const { base, changes } = newestChanges(await this.#changeLog.readNewest(1));
    this.#startAt(base, changes);
    for (const listener of this.#listeners) listener.reset();
    return true;
  }

  #startAt(base: LogPosition, changes: Change[]): void {
    this.#recent = new RecentChanges(base, changes);
    this.#changedAt = performance.now();
  }

  /** Starts at the end of the log. Streams that resume after a restart of this process find the last changes in memory. */
  async #begin(): Promise<true> {
    const before = this.position;
    const { base, changes } = newestChanges(await this.#changeLog.readNewest(maxKeptChanges));
    this.#startAt(base, changes);
    this.#begun.resolve();
    if (before === undefined) return true;
    this.#log.info({ before, after: this.position }, 'Following the change log from a new position');
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
