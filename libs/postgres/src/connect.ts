import postgres from 'postgres';
import { AnswerLimit } from './answer-limit.ts';

/** A pool of connections to one database; a tagged template is one prepared statement. */
export type Sql = postgres.Sql;
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
   * Milliseconds after which a statement that got no answer is given up, as if its connection were lost: a frozen server
   * cancels nothing. To be longer than `statementTimeout`, whose outcome is known. None when absent.
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
 * Opens a pool. It connects with the first statement, and again by itself after an outage; whoever opened it ends it
 * (`sql.end()`). `bigint` and `xid8` columns are read as numbers, `numeric` as its exact text, times as `Date`.
 */
export function connect(dsn: string, options: ConnectOptions): Sql {
  const { name, max = 10, answerTimeout, onClose } = options;
  const limit = answerTimeout === undefined ? undefined : new AnswerLimit(answerTimeout);
  const sql = postgres(dsn, {
    max,
    // Connections live for ever: recycling one would drop the advisory lock held on it.
    max_lifetime: null,
    connect_timeout: 5,
    // Seconds. The default backs off to 20: an outage of seconds must not become one of minutes.
    backoff: (attempt) => Math.min(0.05 * 2 ** attempt, 1),
    connection: { application_name: name, ...abandonedSession, ...sessionSettings(options) },
    onnotice: () => {},
    // Not among the declared options (3.4.9).
    ...(onClose === undefined ? {} : { onclose: onClose }),
    ...(limit === undefined ? {} : { socket: limit.open }),
    types: { int8 },
  });
  return limit?.of(sql) ?? sql;
}

function sessionSettings({ settings, statementTimeout, lockTimeout, idleSessionTimeout }: ConnectOptions) {
  return {
    ...settings,
    ...(statementTimeout === undefined ? {} : { statement_timeout: statementTimeout }),
    ...(lockTimeout === undefined ? {} : { lock_timeout: lockTimeout }),
    ...(idleSessionTimeout === undefined ? {} : { idle_session_timeout: idleSessionTimeout }),
  };
}
