/** Earlier and later instants are moved to these, so that windows around them have years of four digits. */
const first = Date.parse('0020-01-01T00:00:00Z');
const last = Date.parse('9979-12-31T23:59:59.999Z');

/** The instant of an event's timestamp (RFC 3339), in milliseconds since 1970. Finer digits are cut off. */
export function instantOf(timestamp: string): number {
  return Math.min(Math.max(Date.parse(timestamp), first), last);
}

/**
 * The time and place of a message of an older producer, as a text: of two messages, the one whose stamp sorts later
 * wins. Its timestamp may have nine decimals, of which an instant keeps three.
 */
export function stampOf(timestamp: string, partition: number, offset: number): string {
  const at = instantOf(timestamp);
  const fraction = at === Date.parse(timestamp) ? (/\.(\d{1,9})/.exec(timestamp)?.[1] ?? '') : '';
  const place = `${String(partition).padStart(6, '0')} ${String(offset).padStart(16, '0')}`;
  return `${new Date(at).toISOString()} ${fraction.padEnd(9, '0')} ${place}`;
}
