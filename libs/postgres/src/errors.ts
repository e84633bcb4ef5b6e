/** Errors of the client itself and of the socket: the connection is gone or was never made. */
const connectionCodes = new Set([
  'CONNECTION_CLOSED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'ENOTFOUND',
  'EHOSTUNREACH',
]);

/** https://www.postgresql.org/docs/18/errcodes-appendix.html: classes and codes that a later try can do without. */
const transientClasses = ['08', '53', '57P', '58'];
const transientCodes = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
  '25006', // read_only_sql_transaction: a standby, or a server that is being replaced
  '3D000', // invalid_catalog_name: a database that is being restored
  '57014', // query_canceled: a statement timeout
  '25P03', // idle_in_transaction_session_timeout
]);

/** The SQLSTATE of an error from PostgreSQL, or the code of one from the connection; undefined for any other error. */
export function errorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** True when the connection failed: whether the statement under way took effect is unknown. */
export function isConnectionLost(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && (connectionCodes.has(code) || code.startsWith('08') || code.startsWith('57P'));
}

/** True when the same statement may well succeed later: the server is away, overloaded, or another transaction won. */
export function isTransient(error: unknown): boolean {
  const code = errorCode(error);
  if (code === undefined) return false;
  return (
    connectionCodes.has(code) || transientCodes.has(code) || transientClasses.some((known) => code.startsWith(known))
  );
}

/** True when PostgreSQL does not take a value: it is out of a type's range, or larger than an index or a row can hold. */
export function isRefusedValue(error: unknown): boolean {
  const code = errorCode(error);
  return code !== undefined && /^(22|54)...$/.test(code);
}
