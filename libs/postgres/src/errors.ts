/** An SQLSTATE. None begins with E, unlike the codes of sockets, some of which have five letters too (`EPIPE`). */
const sqlState = /^[0-9A-DF-Z][0-9A-Z]{4}$/;

/** Codes of programming errors that postgres.js and Node.js find before they send a statement. */
const faultsOfTheCaller =
  /^(ERR_(?!SSL|TLS|SOCKET|STREAM).*|UNDEFINED_VALUE|NOT_TAGGED_CALL|MAX_PARAMETERS_EXCEEDED|COPY_IN_PROGRESS|UNSAFE_TRANSACTION)$/;

/** Codes of sockets, name resolution, TLS and postgres.js. */
const connectionCodes =
  /^(?:CONNECTION_.|CONNECT_TIMEOUT$|SASL_.|E(?!RR_)[A-Z0-9_]+$|ERR_(?:SSL|TLS|SOCKET|STREAM)_.)|CERT|LEAF_SIGNATURE/;

/** Retryable error classes and codes: https://www.postgresql.org/docs/18/errcodes-appendix.html. */
const transientClasses = ['53', '58'];
const readOnly = '25006';
const statementTimeout = '57014';
const transientCodes = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
  readOnly, // read_only_sql_transaction
  statementTimeout, // query_canceled
  'CONNECTION_ENDED', // of postgres.js: this process is stopping, and another one can answer
]);

/** The SQLSTATE of an error from PostgreSQL, or the code of one from the connection; undefined for any other error. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/**
 * True when the connection failed, or the server ended or refused the session: it is unknown whether a statement under way
 * took effect. An operator corrects a refusal, often within seconds: a password that is being changed (28P01), rules that are
 * being loaded (28000), a database that is being restored (3D000, 55000), too many sessions (53300).
 */
export function isConnectionLost(error: unknown): boolean {
  const code = errorCode(error);
  if (code === undefined) return false;
  if (sqlState.test(code)) return /^(08|57P)/.test(code) || endsSession(error);
  // postgres.js adds the text of the statement. Such an error comes from the connection unless the statement was never sent.
  const isOfStatement = 'query' in (error as object) && !faultsOfTheCaller.test(code);
  return isOfStatement || connectionCodes.test(code);
}

/** An error of one of these severities ends the session; errors of other severities do not. */
function endsSession(error: unknown): boolean {
  const { severity } = error as { severity?: unknown };
  return severity === 'FATAL' || severity === 'PANIC';
}

/** True when this process has closed the pool itself, as it does when it stops. Codes of postgres.js. */
export function isPoolClosed(error: unknown): boolean {
  return /^CONNECTION_(?:ENDED|DESTROYED)$/.test(errorCode(error) ?? '');
}

/** True when PostgreSQL answered that the statement failed: it stored nothing. After other errors that is unknown. */
export function isRefusedStatement(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && sqlState.test(code) && !isConnectionLost(error);
}

/** True when the same statement can succeed later: the server is down or overloaded, or another transaction won. */
export function isTransient(error: unknown): boolean {
  const code = errorCode(error);
  if (code === undefined) return false;
  return (
    isConnectionLost(error) || transientCodes.has(code) || transientClasses.some((known) => code.startsWith(known))
  );
}

/** True when the server cancelled a statement, as it does after the time that the session allows for one. */
export function isStatementTimeout(error: unknown): boolean {
  return errorCode(error) === statementTimeout;
}

/** True when the server refuses writes: it is a standby, it is being replaced, or its provider has stopped writes. */
export function isReadOnly(error: unknown): boolean {
  return errorCode(error) === readOnly;
}

/** True when PostgreSQL refuses a value: it is out of its type's range, or larger than an index or a row can hold. */
export function isRefusedValue(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && /^(22|54)...$/.test(code);
}
