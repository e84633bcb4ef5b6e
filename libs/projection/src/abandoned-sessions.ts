import type { Sql } from '@catalogue/postgres';
import { type Logger, repeat } from '@catalogue/service';
import type { PatientDatabase } from './consume/retry.ts';

const lookIntervalMs = 2_000;
/** The time after which PostgreSQL itself ends a session that is idle in a transaction (`libs/postgres/src/connect.ts`). */
const abandonedAfterMs = 5_000;

/**
 * Ends sessions of a service that hold a transaction and wait for the values of a statement, until the signal is
 * aborted. Their process was frozen or cut off between the two messages of a statement that was new on its connection.
 * PostgreSQL counts such a session as active, and before version 17 (`transaction_timeout`) has no limit that ends it.
 */
export async function endAbandonedNowAndThen(
  sql: Sql,
  database: PatientDatabase,
  name: string,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const onFailure = (err: unknown) => log.warn({ err }, 'Abandoned sessions could not be ended');
  await repeat({ everyMs: lookIntervalMs, signal, onFailure }, async () => {
    const ended = await database.try(signal, () => endAbandoned(sql, name));
    for (const { pid } of ended) log.warn({ pid }, 'Ended a session whose process had left a statement unfinished');
  });
}

async function endAbandoned(sql: Sql, name: string): Promise<{ pid: number }[]> {
  return await sql<{ pid: number }[]>`
    select pid, pg_terminate_backend(pid)
    from pg_stat_activity
    where datname = current_database() and application_name = ${name}
      and state = 'active' and wait_event = 'ClientRead' and backend_xid is not null
      and state_change < clock_timestamp() - ${abandonedAfterMs} * interval '1 ms'`;
}
