import { connect, type Sql } from '@catalogue/postgres';

/** Opens the pool of the driver and the routes, beside that of the projection. A statement may claim 1 000 products. */
export function openMachine(dsn: string): Sql {
  return connect(dsn, {
    name: 'promotions machine',
    max: 12,
    lockTimeoutMs: 5_000,
    statementTimeoutMs: 20_000,
    answerTimeoutMs: 25_000,
  });
}
