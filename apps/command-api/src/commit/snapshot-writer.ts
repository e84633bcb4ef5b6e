import { saveSnapshots, type Snapshot } from '@catalogue/event-store';
import type { Sql } from '@catalogue/postgres';
import type { Logger } from '@catalogue/service';
import type { DecidedStream } from './decide-stream.ts';

// Measured in batches of 16 streams: 2.5 µs to read an event, 28 µs to keep a snapshot. Most products never need one.
const every = 20;

/** Keeps snapshots of long histories, behind the commands: one write at a time, of the newest state of each stream. */
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

  /** Takes notice of a stream whose events were stored; keeps a snapshot when many events had to be read for it. */
  offer({ stream, state, events, eventsRead }: DecidedStream<State, unknown, unknown>): void {
    const eventId = events.at(-1)?.id;
    if (eventId === undefined || eventsRead + events.length < every) return;
    this.#wanted.set(stream, { stream, version: state.version, eventId, state });
    this.#writing ??= this.#write();
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#wanted.size > 0) {
      const snapshots = [...this.#wanted.values()];
      this.#wanted = new Map();
      // A snapshot that is not kept costs time later, nothing else.
      await saveSnapshots(this.#sql, this.#schemaVersion, snapshots).catch((err: unknown) => {
        this.#log.warn({ err }, 'Snapshots were not stored');
      });
    }
    this.#writing = undefined;
  }
}
