import { type ChangeLog, changesAfter, type LogPosition, type LogRead } from '@catalogue/reading';
import type { ProductChange } from './product-change.ts';

const blockSize = 1_000;
const maxBlocks = 8;

/**
 * Reads changes that are older than the feed’s memory, for streams that were away for long. All streams near the same position
 * share a block: a thousand returning streams cost the database as much as one.
 */
export class OlderChanges {
  readonly #log: ChangeLog<ProductChange>;
  readonly #blocks = new Map<string, Promise<LogRead<ProductChange>>>();

  constructor(log: ChangeLog<ProductChange>) {
    this.#log = log;
  }

  /**
   * Some of the changes after a position, without a gap. Undefined if they were pruned, or the position belongs to
   * another history of the log.
   */
  async after(position: LogPosition): Promise<readonly ProductChange[] | undefined> {
    const block = await this.#block(position.generation, Math.floor(position.seq / blockSize));
    const found = changesAfter(block, position);
    return found?.length === 0 ? undefined : found;
  }

  /** Clears the blocks: the log has another history now. */
  clear(): void {
    this.#blocks.clear();
  }

  async #block(generation: number, index: number): Promise<LogRead<ProductChange>> {
    const key = `${generation} ${index}`;
    const known = this.#blocks.get(key);
    if (known !== undefined) return await known;
    const read = this.#log.read({ generation, seq: index * blockSize }, blockSize);
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
