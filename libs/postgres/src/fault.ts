import { errorCode, isTransient } from './errors.ts';

const undefinedTable = '42P01';
const noSuchDatabase = '3D000';
const noRight = '42501';

/**
 * Says in one line why a command of an operator failed, with advice if the database of `variable` is at fault: PostgreSQL's own
 * messages do not say which of several databases they are about.
 */
export function faultOfDatabase(error: unknown, variable: string): string {
  const message = lineOf(error);
  const code = errorCode(error) ?? '';
  if (code === undefinedTable)
    return `The database of ${variable} has no tables of this release (${message}): run node dist/migrate.js`;
  if (code === noRight) return `The user in ${variable} lacks a right: ${message}`;
  if (code === noSuchDatabase || code.startsWith('28'))
    return `The database of ${variable} refuses: ${message}. Is ${variable} right?`;
  if (isTransient(error))
    return `The database of ${variable} cannot be reached: ${message}. Is it up, and is ${variable} right?`;
  return message;
}

/** An error's message in one line; its code if the message is empty, as for a host name with several addresses. */
export function lineOf(error: unknown): string {
  const { message } = error as Error;
  const told = message === '' ? (errorCode(error) ?? String(error)) : message;
  const lines = told.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '').join('; ');
}
