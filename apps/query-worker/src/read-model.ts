import { connect, type Sql } from '@catalogue/postgres';

/**
 * The pool of a worker: a connection for each partition that a worker usually has, and some for what is built beside and for
 * health. Whatever a batch waits for ends within 10 s, however the worker or the server is cut off: then another worker
 * goes on with its partition, or this one tries again.
 */
export function connectReadModel(dsn: string): Sql {
  return connect(dsn, {
    name: 'query-worker',
    max: 10,
    // A batch that waits for a lock gives its connection to others now and then.
    lockTimeout: 2_000,
    statementTimeout: 10_000,
    answerTimeout: 12_000,
  });
}
