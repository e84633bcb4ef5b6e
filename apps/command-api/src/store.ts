import { connect, type Sql } from '@catalogue/postgres';

/**
 * The event store for commands. The server ends a statement before a command has to be answered (4.5 s), so that nothing is
 * left waiting behind a lock; a server that says nothing at all is given up a second later.
 */
export function openStore(dsn: string, onClose: () => void = () => {}): Sql {
  return connect(dsn, { name: 'command-api', ...limits, onClose });
}

/** The event store for queries: long histories take no connection from commands, and few enough of the server's and of ours. */
export function openQueries(dsn: string): Sql {
  return connect(dsn, { name: 'command-api queries', max: 3, ...limits });
}

const limits = { statementTimeoutMs: 2_000, answerTimeoutMs: 3_000 };
