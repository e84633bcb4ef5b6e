import type { Sql } from '@catalogue/postgres';
import type { LoadedPeriod } from '../projection/loaded.ts';
import {
  deleteReplaced,
  findOverlap,
  findTooLong,
  insertLoaded,
  lockLoaded,
  maxPeriods,
} from '../tables/loaded-prices.ts';
import { PriceFile, PriceFileError } from './price-file.ts';

const batchSize = 5_000;

/**
 * Loads a file of prices, all of it or nothing; it replaces all earlier periods of the products that it names. Returns
 * the number of its periods.
 * @throws {PriceFileError} naming the first line that cannot be loaded, or a product with periods that overlap or are
 * too many.
 */
export async function loadPrices(
  sql: Sql,
  source: string,
  lines: AsyncIterable<string>,
  nowMs: number,
): Promise<number> {
  return await sql.begin(async (tx) => {
    await lockLoaded(tx);
    const file = new PriceFile(source, nowMs);
    let batch: LoadedPeriod[] = [];
    let count = 0;
    const flush = async () => {
      // One statement cannot write a row twice: of two lines with the same key, the later one counts.
      const byKey = new Map(batch.map((period) => [`${period.product} ${period.from}`, period]));
      await insertLoaded(tx, [...byKey.values()]);
      batch = [];
    };
    for await (const line of lines) {
      const period = file.take(line);
      if (period === undefined) continue;
      count += 1;
      if (batch.push(period) === batchSize) await flush();
    }
    await flush();
    await deleteReplaced(tx);
    const overlap = await findOverlap(tx);
    if (overlap !== undefined) {
      const at = new Date(overlap.from).toISOString();
      throw new PriceFileError(`the period of ${overlap.product} from ${at} overlaps the one before it`);
    }
    const tooLong = await findTooLong(tx);
    if (tooLong !== undefined) throw new PriceFileError(`${tooLong} has more than ${maxPeriods} periods`);
    return count;
  });
}
