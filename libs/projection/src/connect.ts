import { connect, type Sql } from '@catalogue/postgres';
import type { Model } from './model.ts';

/**
 * A model's pool: a connection for each partition that a worker usually has, and some for rebuilds and health. Every wait
 * ends within 10 s, also when worker or server are cut off, so that another worker can take over or this one tries again.
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
