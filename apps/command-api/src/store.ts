import { connect, type Sql } from '@catalogue/postgres';

/**
 * Opens the pool for commands. The server cancels a statement after 2 s, before its command has to be answered (4.5 s),
 * so that no statement stays blocked behind a lock. If the server does not respond, the connection is closed a second
 * later.
 */
export function openStore(dsn: string, onClose: () => void = () => {}): Sql {
  return connect(dsn, { name: 'command-api', ...limits, onClose });
}

/** Opens the pool for queries: long histories take no connections from commands, and at most three of the server's. */
export function openQueries(dsn: string): Sql {
  return connect(dsn, { name: 'command-api queries', max: 3, ...limits });
}

const limits = { statementTimeoutMs: 2_000, answerTimeoutMs: 3_000 };
