import type { Period } from '../line/period.ts';
import { money } from './money.ts';

const columns = ['product', 'from', 'to', 'price', 'version', 'event'];

/**
 * The first line of a price line as a file (RFC 4180). `to` is not part of a period, and empty while its price is
 * applied; instants are in UTC. Version 0: the price is known from a message of an older producer.
 */
export const csvHeader = `${columns.join(',')}\r\n`;

/** The rows of some periods of a product: a long price line is sent a page at a time. */
export function csvRows(product: string, periods: readonly Period[]): string {
  return periods
    .map(({ from, to, cents, version, eventId }) => {
      const instants = [new Date(from).toISOString(), to === null ? '' : new Date(to).toISOString()];
      return `${[text(product), ...instants, money(cents), version, text(eventId)].join(',')}\r\n`;
    })
    .join('');
}

/**
 * A text as a field. Ids of older producers can be any text, and spreadsheets would run one that begins like a formula,
 * so it gets an apostrophe (OWASP, CSV injection). So does a part after `;` or a tab, at which some spreadsheets split
 * fields.
 */
function text(value: string): string {
  const plain = value.replaceAll(/^(?=[\t\r])|(?<=^|[;,\t\r\n])(?=[" ]*[=+\-@])/g, "'");
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
