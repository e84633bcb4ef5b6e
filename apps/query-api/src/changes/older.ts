import type { Sql } from '@catalogue/postgres';
import { type Change, changesAfter, type LogPosition, type LogRead, readLog } from './log.ts';

const blockSize = 1_000;
const maxBlocks = 8;

/**
 * Changes from before what the feed keeps in memory, for streams that were away for long. They are read in blocks that all who
 * are at about the same place share: a thousand streams that come back cost the database what one does.
 */
export class OlderChanges {
  readonly #sql: Sql;
  readonly #blocks = new Map<string, Promise<LogRead>>();

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /**
   * Some of the changes after a position, without a gap; undefined when they are not kept any more, or the position is of another
   * history than the log's.
   */
  async after(position: LogPosition): Promise<readonly Change[] | undefined> {
    const block = await this.#block(position.generation, Math.floor(position.seq / blockSize));
    const found = changesAfter(block, position);
    return found?.length === 0 ? undefined : found;
  }

  /** Forgets what was read: the log has another history now. */
  clear(): void {
    this.#blocks.clear();
  }

  async #block(generation: number, index: number): Promise<LogRead> {
    const key = `${generation} ${index}`;
    const known = this.#blocks.get(key);
    if (known !== undefined) return await known;
    const read = readLog(this.#sql, { generation, seq: index * blockSize }, blockSize);
    this.#blocks.set(key, read);
    const [oldest] = this.#blocks.keys();
    if (this.#blocks.size > maxBlocks && oldest !== undefined) this.#blocks.delete(oldest);
    try {
      return await read;
    } catch (error) {
      if (this.#blocks.get(key) === read) this.#blocks.delete(key);
      throw error;
    }
  }
}
