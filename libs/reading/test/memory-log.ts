import type { ChangeLog, LoggedChange, LogPosition, LogRead } from '../src/index.ts';

/** A change log in memory, with the reads of a `ChangeLog`. */
export class MemoryLog {
  #generation = 1;
  #changes: LoggedChange[] = [];
  /** How often it was read. */
  reads = 0;

  /** Appends a change of a product, and returns the position after it. */
  append(id: string, version = 1): LogPosition {
    const seq = this.#changes.length + 1;
    const mark = this.#generation * 1_000 + seq;
    this.#changes.push({ seq, id, version, ageMs: 0, mark });
    return { generation: this.#generation, seq, mark };
  }

  /** Makes another generation serve, with an empty log. */
  switchGeneration(): void {
    this.#generation += 1;
    this.#changes = [];
  }

  /** The log as the feed takes it. */
  get asLog(): ChangeLog {
    const read = (from: number, limit: number): Promise<LogRead<LoggedChange>> => {
      this.reads += 1;
      const { length } = this.#changes;
      const changes = this.#changes.filter(({ seq }) => seq >= from).slice(0, limit);
      return Promise.resolve({ generation: this.#generation, last: length, beginning: null, changes });
    };
    return {
      read: ({ generation, seq }: LogPosition, limit: number) =>
        read(generation === this.#generation ? seq : Number.POSITIVE_INFINITY, limit + 1),
      readNewest: (limit: number) => read(this.#changes.length - limit + 1, limit),
      listen: () => Promise.resolve(),
    } as unknown as ChangeLog;
  }
}
