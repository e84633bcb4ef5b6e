/** The bounds of the moments that both PostgreSQL and a sortable text can hold; a moment outside moves to the nearer one. */
const first = Date.parse('0001-01-01T00:00:00Z');
const last = Date.parse('9999-12-31T23:59:59.999Z');

/** The form that our own services write: in UTC, without trailing zeros, in years and hours that need no calculation. */
const plain = /^(?!0000)\d{4}-\d{2}-\d{2}T(?!24)\d{2}:\d{2}:\d{2}(\.\d{0,5}[1-9])?Z$/;

/**
 * A moment as PostgreSQL writes a timestamp in UTC, to the microsecond: `2026-11-23 10:15:30.123`. Such texts sort as
 * the moments do. Finer digits are cut off.
 */
export function moment(timestamp: string): string {
  if (plain.test(timestamp)) return `${timestamp.slice(0, 10)} ${timestamp.slice(11, -1)}`;
  const [seconds, nanoseconds] = utc(timestamp);
  const fraction = nanoseconds.slice(0, 6).replace(/0{1,6}$/, '');
  return fraction === '' ? seconds : `${seconds}.${fraction}`;
}

/** The time and place of a message, as a text: of two values, the one whose stamp sorts later wins. */
export function stampOf(timestamp: string, partition: number, offset: number): string {
  const [seconds, nanoseconds] = utc(timestamp);
  return `${seconds}.${nanoseconds} ${String(partition).padStart(6, '0')} ${String(offset).padStart(16, '0')}`;
}

/** The whole seconds in UTC, and nine digits of their fraction. */
function utc(timestamp: string): [string, string] {
  const fraction = /\.(\d+)/.exec(timestamp)?.[1] ?? '';
  const exact = Date.parse(timestamp);
  const kept = Math.min(Math.max(exact, first), last);
  const nanoseconds = kept === exact ? fraction.padEnd(9, '0') : kept < exact ? '999999999' : '000000000';
  return [new Date(kept).toISOString().slice(0, 19).replace('T', ' '), nanoseconds];
}
