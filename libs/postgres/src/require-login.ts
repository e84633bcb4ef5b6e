import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from './connect.ts';
import { errorCode } from './errors.ts';

// A server that is away or frozen is waited for, but not here.
const longestWaitMs = 1_000;

/**
 * Ends the process with one line on standard error and 78 (EX_CONFIG of sysexits) when PostgreSQL refuses the user or password
 * of `variable`. For a process's start, where that is a wrong setting; later it is a password that is being changed, which the
 * process waits out. Whatever else is wrong with the server is waited out from the start.
 */
export async function requireLogin(sql: Sql, variable: string): Promise<void> {
  const asked = sql`select 1`.then(
    () => undefined,
    (error: unknown) => (isLoginRefused(error) ? error : undefined),
  );
  const refusal = await Promise.race([asked, delay(longestWaitMs, undefined, { ref: false })]);
  if (refusal === undefined) return;
  process.stderr.write(
    `${variable} is refused by PostgreSQL (${refusal.message}): correct its user and password, or pg_hba.conf\n`,
  );
  process.exit(78);
}

/** Class 28 of SQLSTATE: a wrong password, a role that is not there or may not log in, no entry in pg_hba.conf. */
function isLoginRefused(error: unknown): error is Error {
  return errorCode(error)?.startsWith('28') === true;
}
