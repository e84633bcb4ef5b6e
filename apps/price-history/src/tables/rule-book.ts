import type { Sql } from '@catalogue/postgres';
import type { Markets } from '../rules/markets.ts';
import { readBegun } from './applied-rules.ts';

/** The rules of generations, for readers. Each is read once, because rules of a generation do not change. */
export class RuleBook {
  readonly #sql: Sql;
  readonly #configured: Markets;
  readonly #known = new Map<number, Markets>();

  constructor(sql: Sql, configured: Markets) {
    this.#sql = sql;
    this.#configured = configured;
  }

  /** The rules of a generation; before its first event, the configured ones. */
  async of(generation: number): Promise<Markets> {
    const known = this.#known.get(generation) ?? (await readBegun(this.#sql, generation))?.markets;
    if (known === undefined) return this.#configured;
    this.#known.set(generation, known);
    return known;
  }

  /** The rules of the generation that readers see. */
  async ofServing(): Promise<Markets> {
    const [row] = await this.#sql<{ generation: number }[]>`select generation from generations where state = 'serving'`;
    return row === undefined ? this.#configured : await this.of(row.generation);
  }
}
