import { connect, type Sql } from '@catalogue/postgres';
import type { Model } from './model.ts';

/**
 * Opens a model's pool: a connection for each partition that a worker usually has, and some for rebuilds and health.
 * Every statement ends within 12 s, even if the server is frozen or cut off, so that this worker or another one can try
 * again.
 */
export function connectModel({ name }: Pick<Model, 'name'>, dsn: string): Sql {
  return connect(dsn, {
    name,
    max: 10,
    // A batch that waits for a lock gives up its connection from time to time.
    lockTimeoutMs: 2_000,
    statementTimeoutMs: 10_000,
    answerTimeoutMs: 12_000,
  });
}
