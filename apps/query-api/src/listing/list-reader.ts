import type { Sql } from '@catalogue/postgres';
import { type LogPosition, provenRows, proving, type QueryQueue } from '@catalogue/reading';
import type { PagePosition } from './filter.ts';
import type { ListRequest } from './list-request.ts';
import { type PageRow, readPage } from './page-query.ts';
import { type Found, type Run, searchPage } from './search.ts';
import { sorts } from './sort.ts';

/** A page, and the position where the next one starts; undefined after the last. */
export interface Page {
  rows: PageRow[];
  next: PagePosition | undefined;
  /** The page was read at this position of the log or later; undefined if unknown. */
  from: LogPosition | undefined;
}

/** Reads pages of lists and searches. */
export class ListReader {
  readonly #sql: Sql;
  readonly #queue: QueryQueue;

  constructor(sql: Sql, queue: QueryQueue) {
    this.#sql = sql;
    this.#queue = queue;
  }

  /**
   * @param position of the log; the page has to prove that it was read there or later.
   * @param gone aborted when no client waits for the answer any more.
   * @throws {Problem} `overloaded` if too many statements wait already, or this one waited too long.
   */
  async page(list: ListRequest, gone: AbortSignal, position: LogPosition | undefined): Promise<Page> {
    const { limit } = list;
    let from = position;
    const run: Run = async (make) => {
      if (position === undefined) return await this.#queue.run(make, gone);
      const found = await this.#queue.run(() => proving(this.#sql, position, make()), gone);
      const proven = provenRows(found, position);
      if (proven.from === undefined) from = undefined;
      return proven.rows;
    };
    // One extra row tells whether there is another page.
    const { rows, isSimilar, extent, usesGrams } = await this.#find(run, { ...list, limit: limit + 1 });
    const last = rows[limit - 1];
    const isMore = rows.length > limit && last !== undefined;
    if (!isMore) return { rows: rows.slice(0, limit), next: undefined, from };
    const { key, id } = last;
    return {
      rows: rows.slice(0, limit),
      next: {
        key,
        id,
        ...(isSimilar ? { isSimilar } : {}),
        ...(extent ? { extent } : {}),
        ...(usesGrams ? { usesGrams } : {}),
      },
      from,
    };
  }

  async #find(run: Run, list: ListRequest): Promise<Found> {
    const { filter, limit, after } = list;
    if (filter.q !== undefined) return await searchPage(run, this.#sql, list);
    const rows = await run(() => readPage(this.#sql, filter, sorts[filter.sort ?? 'name'], after, limit));
    return { rows, isSimilar: false };
  }
}
