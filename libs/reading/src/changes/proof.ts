import type { Fragment, PendingQuery, Sql, Transaction } from '@catalogue/postgres';
import type { LogPosition } from './log.ts';

/** Rows of the read model, and whether their statement saw a position of the change log. */
export interface ProvenRows<Row> {
  rows: Row[];
  /** The rows were read at this position or later; undefined if the statement did not see the position in the log. */
  from: LogPosition | undefined;
}

/** A row with its statement’s proof; `isRow` is null if the statement found no row. */
export type WithProof<Row> = Row & { isProven: boolean; isRow: true | null };

/**
 * Extends a statement to prove that it reads at or after a position: the position’s generation serves, and its change
 * has the same mark. Connections of one pool can lead to several servers, and a generation can be switched at any
 * moment, so an earlier read of the log proves nothing about the statement. In a transaction with one snapshot
 * (`repeatable read`), the proof holds for all its statements.
 */
export function proving<Row>(
  sql: Sql | Transaction,
  position: LogPosition | undefined,
  statement: Promise<Row[]>,
): PendingQuery<WithProof<Row>> {
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

/** The rows of a statement with a proof of a position. */
export function provenRows<Row>(found: readonly WithProof<Row>[], position: LogPosition | undefined): ProvenRows<Row> {
  return {
    rows: found.filter(({ isRow }) => isRow === true),
    from: found[0]?.isProven === true ? position : undefined,
  };
}
