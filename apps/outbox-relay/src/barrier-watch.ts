import { type Barrier, readBarrier, type Writer } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import { type DependencyState, type Logger, repeat } from '@catalogue/service';

// Milliseconds.
const lookEvery = 1_000;
const warnAgainAfter = 60_000;
/** Seconds. No statement of ours takes a tenth of it. A transaction that writes for longer holds up every later event. */
const longWrite = 1;

/** What is known of the transaction that later events wait for. */
export interface HoldUp {
  barrier: Barrier;
  /**
   * Seconds for which this process has seen committed events wait behind the same transaction; 0 when none wait. It needs no
   * privilege, and is less than the true time by what passed before the first look.
   */
  heldBackSeconds: number;
}

const missingPrivilege =
  "The ages of other roles' transactions are not visible: grant pg_read_all_stats to the role of outbox-relay";

/**
 * Watches for transactions in the write server, of anyone, that have been writing for long: they hide later events from the
 * relay until they end. Warns by itself, whether or not anyone reads the metrics.
 */
export class BarrierWatch {
  readonly #store: Sql;
  readonly #log: Logger;
  #held: { transactionId: number; since: number } | undefined;
  #warned: { transactionId: number; at: number } | undefined;
  #saysWhatIsMissing = true;

  constructor(store: Sql, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** Looks until the signal is aborted. While the event store does not answer there is nothing to tell. */
  async run(signal: AbortSignal): Promise<void> {
    const onFailure = (err: unknown) =>
      this.#log.debug({ err }, 'The age of the oldest writing transaction could not be read');
    await repeat({ everyMs: lookEvery, signal, onFailure }, async () => this.#warn(await this.look()));
  }

  /** @throws when the event store does not answer. */
  async look(): Promise<HoldUp> {
    const barrier = await readBarrier(this.#store);
    const { hidesEvents, transactionId } = barrier;
    const now = performance.now();
    if (!hidesEvents) this.#held = undefined;
    else if (this.#held?.transactionId !== transactionId) this.#held = { transactionId, since: now };
    return { barrier, heldBackSeconds: this.#held === undefined ? 0 : (now - this.#held.since) / 1000 };
  }

  /** For readiness. A relay that is held back is ready: starting it again would not help. */
  async state(): Promise<DependencyState> {
    const holdUp = await this.look();
    const { writer, seesAges } = holdUp.barrier;
    if (isLong(holdUp)) return { status: 'catching-up', detail: `Later events wait for ${describe(writer, holdUp)}` };
    return seesAges ? { status: 'up' } : { status: 'up', detail: missingPrivilege };
  }

  #warn(holdUp: HoldUp): void {
    const { transactionId, writer, seesAges } = holdUp.barrier;
    if (!seesAges && this.#saysWhatIsMissing) this.#log.warn({}, missingPrivilege);
    this.#saysWhatIsMissing = seesAges;
    if (!isLong(holdUp)) return;
    const now = performance.now();
    if (this.#warned?.transactionId === transactionId && now - this.#warned.at < warnAgainAfter) return;
    this.#warned = { transactionId, at: now };
    const fields = { ...writer, heldBackSeconds: holdUp.heldBackSeconds };
    this.#log.warn(fields, 'A transaction has been writing for a long time; later events are relayed after it ends');
  }
}

function isLong({ barrier: { writer }, heldBackSeconds }: HoldUp): boolean {
  return Math.max(writer?.age ?? 0, heldBackSeconds) >= longWrite;
}

function describe(writer: Writer | undefined, { heldBackSeconds }: HoldUp): string {
  const age = writer?.age ?? undefined;
  const time = age === undefined ? `at least ${Math.floor(heldBackSeconds)} s` : `${Math.floor(age)} s`;
  if (writer === undefined) return `a transaction that has been writing for ${time}`;
  const who = writer.prepared === null ? `of pid ${writer.pid}` : `prepared as ${JSON.stringify(writer.prepared)}`;
  return `a transaction that has been writing for ${time}, ${who} in database ${JSON.stringify(writer.database)}`;
}
