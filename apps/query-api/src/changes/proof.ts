import type { Fragment, Sql } from '@catalogue/postgres';
import type { LogPosition } from './log.ts';

/** Rows of the read model, and what the same statement saw of the change log. */
export interface ProvenRows<Row> {
  rows: Row[];
  /** The position that the rows were read at or after; undefined when the statement did not see it in the log. */
  from: LogPosition | undefined;
}

/** A row with the proof of its statement; `isRow` is null where the statement found none. */
export type WithProof<Row> = Row & { isProven: boolean; isRow: true | null };

/**
 * Extends a statement so that it also says whether it reads at or after a position: the position's generation serves, and its
 * change has the same mark. Connections of one pool can lead to several servers, and a generation can be switched at any
 * moment, so a look at the log says nothing about the statement after it.
 */
export function proving<Row>(sql: Sql, position: LogPosition | undefined, statement: Promise<Row[]>) {
  const { generation = null, seq = null, mark = null } = position ?? {};
  return sql<WithProof<Row>[]>`
    select proof."isProven", found.*
    from (
      select exists (select from generations where state = 'serving' and generation = ${generation}::int) and (
          select mark from change_counters where ${seq}::bigint = 0 and generation = ${generation}::int
          union all
          select mark from changes where generation = ${generation}::int and seq = ${seq}::bigint
        ) is not distinct from ${mark}::bigint as "isProven"
    ) proof
    left join lateral (select true as "isRow", statement.* from (${statement as unknown as Fragment}) statement) found on true`;
}

/** What a statement with a proof of a position has found. */
export function provenRows<Row>(found: readonly WithProof<Row>[], position: LogPosition | undefined): ProvenRows<Row> {
  return {
    rows: found.filter(({ isRow }) => isRow === true),
    from: found[0]?.isProven === true ? position : undefined,
  };
}
