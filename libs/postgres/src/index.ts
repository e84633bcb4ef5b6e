export {
  type ConnectOptions,
  connect,
  connectBeside,
  type Fragment,
  type PendingQuery,
  type Sql,
  type Transaction,
} from './connect.ts';
export {
  errorCode,
  isConnectionLost,
  isPoolClosed,
  isReadOnly,
  isRefusedStatement,
  isRefusedValue,
  isStatementTimeout,
  isTransient,
} from './errors.ts';
export { faultOfDatabase, lineOf } from './fault.ts';
export { hinter } from './hint.ts';
export { migrate } from './migrate.ts';
export { requireLogin } from './require-login.ts';
export { transact } from './transact.ts';
