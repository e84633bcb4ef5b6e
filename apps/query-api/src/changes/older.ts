import type { Sql } from '@catalogue/postgres';
import { type Change, type LogPosition, readChanges } from './log.ts';

const size = 1_000;
const blocksKept = 8;

/**
 * Changes from before what the feed keeps in memory, for streams that were away for long. They are read in blocks that all who
 * are at about the same place share: a thousand streams that come back cost the database what one does.
 */
export class OlderChanges {
  readonly #sql: Sql;
  readonly #blocks = new Map<string, Promise<Change[]>>();

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Some of the changes after a position, without a gap; undefined when they are not kept any more. */
  async after({ generation, seq }: LogPosition): Promise<readonly Change[] | undefined> {
    const changes = await this.#block(generation, Math.floor(seq / size));
    const found = changes.filter((change) => change.seq > seq);
    return found[0]?.seq === seq + 1 ? found : undefined;
  }

  async #block(generation: number, index: number): Promise<Change[]> {
    const key = `${generation} ${index}`;
    const known = this.#blocks.get(key);
    if (known !== undefined) return await known;
    const read = readChanges(this.#sql, generation, index * size, (index + 1) * size);
    this.#blocks.set(key, read);
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > blocksKept && oldest !== undefined) this.#blocks.delete(oldest);
    try {
      return await read;
    } catch (error) {
      this.#blocks.delete(key);
      throw error;
    }
  }
}
