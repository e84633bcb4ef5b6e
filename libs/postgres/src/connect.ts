import postgres from 'postgres';
import { isReadOnly } from './errors.ts';

/** A pool of connections to one database; a tagged template is one prepared statement. */
export type Sql = postgres.Sql;
/** A statement, or a part of one. */
export type Fragment = postgres.Fragment;
/** What a transaction is given instead of the pool. */
export type Transaction = postgres.TransactionSql;

export interface ConnectOptions {
  /** Shown by PostgreSQL in `pg_stat_activity` and its logs. */
  name: string;
  /** Connections at most; 10 when absent. */
  max?: number;
  /** Milliseconds after which the server cancels a statement; none when absent. */
  statementTimeout?: number;
  /** Milliseconds after which a statement that waits for a lock fails; none when absent. */
  lockTimeout?: number;
  /**
   * Milliseconds for which a connection may stay silent while a statement is under way on it; then it is ended, and what was
   * sent on it fails with `ETIMEDOUT`, as after a lost connection: a frozen server cancels nothing. What the server had
   * received it may still carry out. Longer than `statementTimeout`, whose outcome is known. Without limit when absent.
   */
  answerTimeout?: number;
  /** More settings of its sessions, by PostgreSQL's names. */
  settings?: Record<string, string>;
  /** Milliseconds after which the server ends a connection that is idle outside a transaction; none when absent. */
  idleSessionTimeout?: number;
  /** Called at once when a connection ends, whoever ended it. */
  onClose?: () => void;
}

// int8 and xid8 as numbers: positions, offsets and transaction ids stay below 2^53 for centuries at a million a second.
const int8 = { to: 20, from: [20, 5069], serialize: String, parse: Number };

/**
 * How soon the server ends a session whose client is frozen or gone, and with it the locks that others wait for. PostgreSQL's
 * own defaults are never and two hours.
 */
const abandonedSession = {
  /** Milliseconds. Between the statements of a transaction a service needs some. */
  idle_in_transaction_session_timeout: 5_000,
  /** Seconds: 3 + 3 × 2 after the last word of a host that is gone. */
  tcp_keepalives_idle: 3,
  tcp_keepalives_interval: 2,
  tcp_keepalives_count: 3,
  /** Milliseconds for which what the server sent may stay unacknowledged. */
  tcp_user_timeout: 9_000,
};

/**
 * Services look rows up by indexes, whatever the statistics say: a plan that was made while a table was small, or before it was
 * analysed, must not read the table when it has grown. Sessions keep plans for as long as they live. What is meant to read much
 * (a comparison, a search for a common word) says so by `settings`, or `set local`.
 */
const byIndexes = {
  enable_seqscan: 'off',
  // The cost that PostgreSQL before 18 adds to a plan without an index would have it compiled.
  jit: 'off',
};

/**
 * Opens a pool. It connects with the first statement, and again by itself after an outage; whoever opened it ends it
 * (`sql.end()`). A session that answers that it takes no writes (`isReadOnly`) is ended, and with it those that are idle. `bigint` and `xid8` columns are read as numbers, `numeric` as its exact text, times as `Date`.
 */
export function connect(dsn: string, options: ConnectOptions): Sql {
  const { name, max = 10, answerTimeout, onClose } = options;
  // Options that the types (3.4.9) do not declare. The last two are our patch's; the first of them in seconds.
  const undeclared = {
    ...(onClose === undefined ? {} : { onclose: onClose }),
    ...(answerTimeout === undefined ? {} : { answer_timeout: answerTimeout / 1000 }),
    // A session keeps the settings that it began with: one that takes no writes never may, when the database does again.
    discard: isReadOnly,
  };
  return postgres(dsn, {
    max,
    // Connections live for ever: recycling one would drop the advisory lock held on it.
    max_lifetime: null,
    connect_timeout: 5,
    // Seconds. The default backs off to 20: an outage of seconds must not become one of minutes.
    backoff: (attempt) => Math.min(0.05 * 2 ** attempt, 1),
    connection: { application_name: name, ...abandonedSession, ...byIndexes, ...sessionSettings(options) },
    onnotice: () => {},
    ...undeclared,
    types: { int8 },
  });
}

function sessionSettings({ settings, statementTimeout, lockTimeout, idleSessionTimeout }: ConnectOptions) {
  return {
    ...settings,
    ...(statementTimeout === undefined ? {} : { statement_timeout: statementTimeout }),
    ...(lockTimeout === undefined ? {} : { lock_timeout: lockTimeout }),
    ...(idleSessionTimeout === undefined ? {} : { idle_session_timeout: idleSessionTimeout }),
  };
}
