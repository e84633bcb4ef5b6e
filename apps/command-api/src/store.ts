import { connect, type Sql } from '@catalogue/postgres';

/**
 * The event store for commands. The server ends a statement before a command has to be answered (4.5 s), so that nothing is
 * left waiting behind a lock; a server that says nothing at all is given up a second later.
 */
export function openStore(dsn: string, onClose: () => void = () => {}): Sql {
  return connect(dsn, { name: 'command-api', statementTimeout: 2_000, answerTimeout: 3_000, onClose });
}
