import { setTimeout as delay } from 'node:timers/promises';
import type { Sql } from './connect.ts';
import { errorCode } from './errors.ts';

// A server that is down or frozen must not delay the start for longer: the service waits for it later.
const maxWaitMs = 1_000;

/**
 * Warns on standard error if connections are encrypted, but the server is not verified.
 *
 * Ends the process with one line on standard error and exit code 78 (EX_CONFIG of sysexits) if PostgreSQL refuses the
 * user, the password or a parameter in `variable`. Call it when a process starts: then a refusal means a wrong setting.
 * Later, a refusal means that a password is being changed, and the process retries. Other errors of the server are
 * retried from the start.
 */
export async function requireLogin(sql: Sql, variable: string): Promise<void> {
  if (isUnverified(sql.options.ssl)) process.stderr.write(`${variable} ${unverified}\n`);
  const asked = sql`select 1`.then(
    () => undefined,
    (error: unknown) => (adviceOn(error) === undefined ? undefined : (error as Error)),
  );
  const refusal = await Promise.race([asked, delay(maxWaitMs, undefined, { ref: false })]);
  if (refusal === undefined) return;
  process.stderr.write(`${variable} is refused by PostgreSQL (${refusal.message}): ${adviceOn(refusal)}\n`);
  process.exit(78);
}

const unverified =
  'has an sslmode that does not verify the server: set sslmode=verify-full and sslrootcert to detect an impostor';

/** Whether connections are encrypted without a check of the server's certificate. */
function isUnverified(ssl: Sql['options']['ssl']): boolean {
  if (typeof ssl === 'object') return 'rejectUnauthorized' in ssl && ssl.rejectUnauthorized === false;
  return ssl === 'require' || ssl === 'prefer';
}

/** What to correct, if a session was refused because of the address. */
function adviceOn(error: unknown): string | undefined {
  const code = errorCode(error) ?? '';
  // A wrong password, a role that does not exist or may not log in, no entry in pg_hba.conf.
  if (code.startsWith('28')) return 'correct its user and password, or pg_hba.conf';
  // PostgreSQL refused a parameter or its value: postgres.js passes on the parameters that it does not know.
  if (code === '42704' || code === '22023') return 'correct the parameters after its ?';
  return undefined;
}
