import { type Barrier, readBarrier, type Writer } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import { type DependencyState, type Logger, repeat } from '@catalogue/service';

const checkIntervalMs = 1_000;
const warnIntervalMs = 60_000;
/** No statement of the services takes a tenth of this. A transaction that writes for longer delays every later event. */
const longWriteSeconds = 1;

/** The transaction that later events wait for, and for how long. */
export interface HoldUp {
  barrier: Barrier;
  /**
   * Seconds for which this process has seen committed events wait behind the same transaction; 0 if none wait. Needs no
   * privilege. The true time is longer: it includes the time before the first check.
   */
  heldBackSeconds: number;
}

const missingPrivilege =
  "The ages of other roles' transactions are not visible: grant pg_read_all_stats to the role of outbox-relay";

/**
 * Watches for transactions of any role on the write server that have been writing for long: they hide later events from
 * the relay until they end. Logs a warning, independent of the metrics.
 */
export class BarrierWatch {
  readonly #store: Sql;
  readonly #log: Logger;
  #held: { transactionId: number; since: number } | undefined;
  #warned: { transactionId: number; at: number } | undefined;
  /** Whether to log the missing privilege when it is noticed next. */
  #warnsOfPrivilege = true;

  constructor(store: Sql, log: Logger) {
    this.#store = store;
    this.#log = log;
  }

  /** Checks until the signal is aborted. While the event store does not respond, it warns of nothing. */
  async run(signal: AbortSignal): Promise<void> {
    const onFailure = (err: unknown) =>
      this.#log.debug({ err }, 'The age of the oldest writing transaction could not be read');
    await repeat({ everyMs: checkIntervalMs, signal, onFailure }, async () => this.#warn(await this.look()));
  }

  /** @throws if the event store does not respond. */
  async look(): Promise<HoldUp> {
    const barrier = await readBarrier(this.#store);
    const { hidesEvents, transactionId } = barrier;
    const now = performance.now();
    if (!hidesEvents) this.#held = undefined;
    else if (this.#held?.transactionId !== transactionId) this.#held = { transactionId, since: now };
    return { barrier, heldBackSeconds: this.#held === undefined ? 0 : (now - this.#held.since) / 1000 };
  }

  /** The state for readiness. A relay that is held back counts as ready, because a restart would not help. */
  async state(): Promise<DependencyState> {
    const holdUp = await this.look();
    const { writer, seesAges } = holdUp.barrier;
    if (isLong(holdUp)) return { status: 'catching-up', detail: `Later events wait for ${describe(writer, holdUp)}` };
    return seesAges ? { status: 'up' } : { status: 'up', detail: missingPrivilege };
  }

  #warn(holdUp: HoldUp): void {
    const { transactionId, writer, seesAges } = holdUp.barrier;
    if (!seesAges && this.#warnsOfPrivilege) this.#log.warn({}, missingPrivilege);
    this.#warnsOfPrivilege = seesAges;
    if (!isLong(holdUp)) return;
    const now = performance.now();
    if (this.#warned?.transactionId === transactionId && now - this.#warned.at < warnIntervalMs) return;
    this.#warned = { transactionId, at: now };
    const fields = { ...writer, heldBackSeconds: holdUp.heldBackSeconds };
    this.#log.warn(fields, 'A transaction has been writing for a long time; later events are relayed after it ends');
  }
}

function isLong({ barrier: { writer }, heldBackSeconds }: HoldUp): boolean {
  return Math.max(writer?.age ?? 0, heldBackSeconds) >= longWriteSeconds;
}

function describe(writer: Writer | undefined, { heldBackSeconds }: HoldUp): string {
  const age = writer?.age ?? undefined;
  const time = age === undefined ? `at least ${Math.floor(heldBackSeconds)} s` : `${Math.floor(age)} s`;
  if (writer === undefined) return `a transaction that has been writing for ${time}`;
  const who = writer.prepared === null ? `of pid ${writer.pid}` : `prepared as ${JSON.stringify(writer.prepared)}`;
  return `a transaction that has been writing for ${time}, ${who} in database ${JSON.stringify(writer.database)}`;
}
