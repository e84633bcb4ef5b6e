import { saveSnapshots, type Snapshot } from '@catalogue/event-store';
import { isPoolClosed, type Sql } from '@catalogue/postgres';
import type { Logger } from '@catalogue/service';
import type { DecidedStream } from './decide-stream.ts';

// Measured in batches of 16 streams: reading an event takes 2.5 µs, storing a snapshot 28 µs. Most products never need one.
const minEventsPerSnapshot = 20;

/** Stores snapshots of streams with long histories, asynchronously: one write at a time, of the newest state of each stream. */
export class SnapshotWriter<State extends { version: number }> {
  readonly #sql: Sql;
  readonly #schemaVersion: number;
  readonly #log: Logger;
  #wanted = new Map<string, Snapshot>();
  #writing: Promise<void> | undefined;

  constructor(sql: Sql, schemaVersion: number, log: Logger) {
    this.#sql = sql;
    this.#schemaVersion = schemaVersion;
    this.#log = log;
  }

  /** Stores a snapshot of a stream whose events were stored, if loading the stream took many events. */
  offer({ stream, state, events, eventsRead }: DecidedStream<State, unknown, unknown>): void {
    const eventId = events.at(-1)?.id;
    if (eventId === undefined || eventsRead + events.length < minEventsPerSnapshot) return;
    this.#wanted.set(stream, { stream, version: state.version, eventId, state });
    this.#writing ??= this.#write();
  }

  /** Resolves when no write is in progress. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#wanted.size > 0) {
      const snapshots = [...this.#wanted.values()];
      this.#wanted = new Map();
      // A missing snapshot only makes later loads slower.
      await saveSnapshots(this.#sql, this.#schemaVersion, snapshots).catch((err: unknown) => {
        if (!isPoolClosed(err)) this.#log.warn({ err }, 'Snapshots were not stored');
      });
    }
    this.#writing = undefined;
  }
}
