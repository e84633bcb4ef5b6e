import postgres from 'postgres';
import { isReadOnly } from './errors.ts';
import { passwordOf } from './password.ts';
import { securedAddress } from './tls.ts';

/** A pool of connections to one database. A tagged template is a prepared statement. */
export type Sql = postgres.Sql;
/** A statement, or a part of one. */
export type Fragment = postgres.Fragment;
/** A statement that has not been answered yet, and can be cancelled. */
export interface PendingQuery<Row> extends Promise<Row[]> {
  cancel(): void;
}
/** Used inside a transaction instead of the pool. */
export type Transaction = postgres.TransactionSql;

export interface ConnectOptions {
  /** Shown by PostgreSQL in `pg_stat_activity` and its logs. */
  name: string;
  /** The maximum number of connections; 10 when absent. */
  max?: number;
  /** Milliseconds after which the server cancels a statement; no limit when absent. */
  statementTimeoutMs?: number;
  /** Milliseconds after which a statement that waits for a lock fails; no limit when absent. */
  lockTimeoutMs?: number;
  /**
   * Milliseconds that a connection may stay silent while a statement is running on it. Then the connection is closed,
   * and its statements fail with `ETIMEDOUT`, as after a lost connection: a frozen server cannot cancel them. The
   * server may still run the statements that it has received. Must be longer than `statementTimeoutMs`, after which the
   * outcome is known. No limit when absent.
   */
  answerTimeoutMs?: number;
  /** More settings of the sessions, by their names in PostgreSQL. */
  settings?: Record<string, string>;
  /** Milliseconds after which the server ends a session that is idle outside a transaction; no limit when absent. */
  idleSessionTimeoutMs?: number;
  /** Called at once when a connection ends, for any reason. */
  onClose?: () => void;
}

// int8 and xid8 as numbers: positions, offsets and transaction ids stay below 2^53 for centuries at a million a second.
const int8 = { to: 20, from: [20, 5069], serialize: String, parse: Number };

/**
 * When the server ends a session whose client is frozen or gone. The end releases locks that other sessions wait for.
 * PostgreSQL's defaults are never (frozen) and two hours (gone).
 */
const abandonedSession = {
  /** Milliseconds that a service may take between two statements of a transaction. */
  idle_in_transaction_session_timeout: 5_000,
  /** Seconds. A host that is gone is noticed 3 + 3 × 2 seconds after its last packet. */
  tcp_keepalives_idle: 3,
  tcp_keepalives_interval: 2,
  tcp_keepalives_count: 3,
  /** Milliseconds that sent data may stay unacknowledged. */
  tcp_user_timeout: 9_000,
};

/**
 * Makes statements use indexes, whatever the statistics say. Sessions keep their plans until they end, so a plan that
 * was made while a table was small, or before it was analyzed, would still read the whole table after it has grown. A
 * statement that has to read a large part of a table (a comparison, a search for a common word) overrides this by
 * `settings` or `set local`.
 */
const byIndexes = {
  enable_seqscan: 'off',
  // Before PostgreSQL 18, `enable_seqscan = off` adds a cost to such plans that would trigger compilation.
  jit: 'off',
};

/**
 * Opens a pool. It connects when the first statement is sent, and reconnects by itself after an outage. The caller ends it by
 * `sql.end()`. If a session answers that it is read-only (`isReadOnly`), the pool ends it and all idle sessions. `bigint` and
 * `xid8` columns are read as numbers, `numeric` columns as exact text, times as `Date`. The address may ask for TLS
 * (`securedAddress`), and for a password that is read from a file for each connection (`passwordOf`).
 */
export function connect(address: string, options: ConnectOptions): Sql {
  const { dsn: secured, ssl } = securedAddress(address);
  const { dsn, password } = passwordOf(secured);
  const { name, max = 10, answerTimeoutMs, onClose } = options;
  // Options that the types of postgres.js 3.4.9 do not declare. Our patch adds the last two; `answer_timeout` is in seconds.
  const undeclared = {
    ...(onClose === undefined ? {} : { onclose: onClose }),
    ...(answerTimeoutMs === undefined ? {} : { answer_timeout: answerTimeoutMs / 1000 }),
    // A session keeps its initial settings: a read-only one stays read-only after the database accepts writes again.
    discard: isReadOnly,
  };
  return postgres(dsn, {
    max,
    // No maximum lifetime: a recycled connection would lose its advisory lock.
    max_lifetime: null,
    connect_timeout: 5,
    // Seconds. The default backs off to 20, which would prolong a short outage.
    backoff: (attempt) => Math.min(0.05 * 2 ** attempt, 1),
    connection: { application_name: name, ...abandonedSession, ...byIndexes, ...sessionSettings(options) },
    onnotice: () => {},
    ...undeclared,
    ...(ssl === undefined ? {} : { ssl }),
    ...(password === undefined ? {} : { pass: password }),
    types: { int8 },
  });
}

function sessionSettings({ settings, statementTimeoutMs, lockTimeoutMs, idleSessionTimeoutMs }: ConnectOptions) {
  return {
    ...settings,
    ...(statementTimeoutMs === undefined ? {} : { statement_timeout: statementTimeoutMs }),
    ...(lockTimeoutMs === undefined ? {} : { lock_timeout: lockTimeoutMs }),
    ...(idleSessionTimeoutMs === undefined ? {} : { idle_session_timeout: idleSessionTimeoutMs }),
  };
}

/**
 * Opens one connection more to the database of a pool, for a statement that takes longer than the pool waits. The
 * caller ends it.
 * @param settings of the session, beside those of the pool.
 */
export function connectBeside(sql: Sql, settings: Record<string, string | number>): Sql {
  const connection = { ...sql.options.connection, statement_timeout: 0, ...settings };
  // As postgres.js itself opens its connection for LISTEN.
  return postgres({
    ...sql.options,
    max: 1,
    connection,
    answer_timeout: undefined,
  } as unknown as postgres.Options<{}>) as Sql;
}
