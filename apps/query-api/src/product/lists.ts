import type { Sql } from '@catalogue/postgres';
import type { PagePosition } from './filter.ts';
import type { ListRequest } from './list.ts';
import { type PageRow, readPage } from './pages.ts';
import type { Reads } from './reads.ts';
import { type Found, type Run, searchPage } from './search.ts';
import { sorts } from './sort.ts';

/** A page, and where the next one begins; undefined after the last. */
export interface Page {
  rows: PageRow[];
  next: PagePosition | undefined;
}

/** Reads pages of lists and searches. */
export class Lists {
  readonly #sql: Sql;
  readonly #reads: Reads;

  constructor(sql: Sql, reads: Reads) {
    this.#sql = sql;
    this.#reads = reads;
  }

  /**
   * @param gone aborted when nobody waits for the answer any more.
   * @throws {Problem} `overloaded` when too many wait already, or for too long.
   */
  async page(list: ListRequest, gone: AbortSignal): Promise<Page> {
    const { limit } = list;
    const run: Run = (make) => this.#reads.run(make, gone);
    // One more than shown tells whether there is another page.
    const { rows, isSimilar, extent } = await this.#find(run, { ...list, limit: limit + 1 });
    const last = rows[limit - 1];
    const isMore = rows.length > limit && last !== undefined;
    if (!isMore) return { rows: rows.slice(0, limit), next: undefined };
    const { key, id } = last;
    return {
      rows: rows.slice(0, limit),
      next: { key, id, ...(isSimilar ? { isSimilar } : {}), ...(extent ? { extent } : {}) },
    };
  }

  async #find(run: Run, list: ListRequest): Promise<Found> {
    const { filter, limit, after } = list;
    if (filter.q !== undefined) return await searchPage(run, this.#sql, list);
    const rows = await run(() => readPage(this.#sql, filter, sorts[filter.sort ?? 'name'], after, limit));
    return { rows, isSimilar: false };
  }
}
