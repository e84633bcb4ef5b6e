/** The form of PostgreSQL's own codes. None begins with E, as those of sockets do (`EPIPE` has five letters too). */
const sqlState = /^[0-9A-DF-Z][0-9A-Z]{4}$/;

/** Faults of the calling code, which postgres.js and Node.js find before a statement is sent. */
const faultsOfTheCaller =
  /^(ERR_(?!SSL|TLS|SOCKET|STREAM).*|UNDEFINED_VALUE|NOT_TAGGED_CALL|MAX_PARAMETERS_EXCEEDED|COPY_IN_PROGRESS|UNSAFE_TRANSACTION)$/;

/** Errors of sockets, name resolution, TLS and of postgres.js itself, wherever they are met. */
const connectionCodes =
  /^(?:CONNECTION_.|CONNECT_TIMEOUT$|SASL_.|E(?!RR_)[A-Z0-9_]+$|ERR_(?:SSL|TLS|SOCKET|STREAM)_.)|CERT|LEAF_SIGNATURE/;

/** https://www.postgresql.org/docs/18/errcodes-appendix.html: classes and codes that a later try can do without. */
const transientClasses = ['53', '58'];
const readOnly = '25006';
const transientCodes = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
  readOnly, // read_only_sql_transaction
  '57014', // query_canceled: a statement timeout
  'CONNECTION_ENDED', // the client's: this process stops, so another one is to be asked
]);

/** The SQLSTATE of an error from PostgreSQL, or the code of one from the connection; undefined for any other error. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * True when the connection failed, or the server ended or refused the session: whether a statement that was under way took
 * effect is unknown. A refusal is an operator's to mend, and may pass any moment: a password that is being rotated (28P01), rules
 * that are being loaded (28000), a database that is being restored (3D000, 55000), too many sessions (53300).
 */
export function isConnectionLost(error: unknown): boolean {
  const code = errorCode(error);
  if (code === undefined) return false;
  if (sqlState.test(code)) return /^(08|57P)/.test(code) || endsSession(error);
  // An error of a statement, which postgres.js marks with its text, is one of the connection unless it is the caller's.
  const isOfStatement = 'query' in (error as object) && !faultsOfTheCaller.test(code);
  return isOfStatement || connectionCodes.test(code);
}

/** PostgreSQL ends a session with an error of these severities, and with nothing else. */
function endsSession(error: unknown): boolean {
  const { severity } = error as { severity?: unknown };
  return severity === 'FATAL' || severity === 'PANIC';
}

/** True when PostgreSQL itself said that the statement failed, and so stored nothing. Anything else leaves that unknown. */
export function isRefusedStatement(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && sqlState.test(code) && !isConnectionLost(error);
}

/** True when the same statement may well succeed later: the server is away, overloaded, or another transaction won. */
export function isTransient(error: unknown): boolean {
  const code = errorCode(error);
  if (code === undefined) return false;
  return (
    isConnectionLost(error) || transientCodes.has(code) || transientClasses.some((known) => code.startsWith(known))
  );
}

/** True when a server takes no writes: a standby, one that is being replaced, or one whose provider stopped them. */
export function isReadOnly(error: unknown): boolean {
  return errorCode(error) === readOnly;
}

/** True when PostgreSQL does not take a value: it is out of a type's range, or larger than an index or a row can hold. */
export function isRefusedValue(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && /^(22|54)...$/.test(code);
}
