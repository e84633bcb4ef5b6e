/** A price as somebody typed it: a number of at most two decimals, or a sentence that says why it is none. */
export type Typed = { price: number } | { fault: string };

const highest = 999_999_999.99;

/** How a locale writes numbers. */
interface Notation {
  decimal: string;
  group: string;
  /** Its digits 0 to 9. */
  digits: readonly string[];
}

const notationOf = remembered((locale): Notation => {
  const parts = new Intl.NumberFormat(locale).formatToParts(-1_234_567.8);
  const partOf = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  const digit = new Intl.NumberFormat(locale, { useGrouping: false });
  return {
    decimal: partOf('decimal'),
    group: partOf('group'),
    digits: Array.from({ length: 10 }, (_, value) => digit.format(value)),
  };
});

const formatterOf = remembered(
  (locale) => new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: 2 }),
);

/** Making these takes longer than a hundred uses of them, and none is needed before the first rows are asked for. */
function remembered<T>(make: (locale: string) => T): (locale: string) => T {
  const made = new Map<string, T>();
  return (locale) => {
    const value = made.get(locale) ?? make(locale);
    made.set(locale, value);
    return value;
  };
}

/**
 * Reads a price as the locale writes it: `39,90` and `1.234,50` in Italian, `39.90` and `1,234.50` in English. What another locale would
 * write is not guessed at: 1.234 is a thousand here and one there.
 */
export function readPrice(text: string, locale: string): Typed {
  const notation = notationOf(locale);
  const typed = latin(text.trim(), notation);
  const example = formatPrice(39.9, locale);
  if (typed === '') return { fault: `A price is missing, for example ${example}.` };
  if (/^[-−]/.test(typed)) return { fault: 'A price cannot be below zero.' };
  const [whole = '', cents, ...rest] = typed.split(notation.decimal);
  const digits = ungrouped(whole, notation.group);
  if (digits === undefined || rest.length > 0 || (cents !== undefined && !/^\d+$/.test(cents)))
    return { fault: `“${text.trim()}” cannot be read as a price: here one is written like ${example}.` };
  if (cents !== undefined && cents.length > 2) return { fault: 'A price has at most two decimals.' };
  const price = Number(`${digits}.${cents ?? '0'}`);
  if (price > highest) return { fault: `A price is at most ${formatPrice(highest, locale)}.` };
  return { price };
}

/** As the locale writes it, with two decimals. */
export function formatPrice(price: number, locale: string): string {
  return formatterOf(locale).format(price);
}

/** With 0 to 9 in place of the locale's own digits. */
function latin(text: string, { digits }: Notation): string {
  return [...text].map((character) => (digits.includes(character) ? digits.indexOf(character) : character)).join('');
}

/** The digits without separators, which may only stand before three digits each; undefined for anything else. */
function ungrouped(whole: string, group: string): string | undefined {
  if (/^\d+$/.test(whole)) return whole;
  // Nobody types a narrow space that does not break, nor the apostrophe that printers use.
  const plain = whole.replaceAll(/[\u00a0\u202f]/g, ' ').replaceAll('’', "'");
  const separator = /[\u00a0\u202f ]/.test(group) ? ' ' : group.replace('’', "'");
  if (separator === '') return undefined;
  const [first = '', ...groups] = plain.split(separator);
  const fits = /^\d{1,3}$/.test(first) && groups.every((three) => /^\d{3}$/.test(three));
  return fits ? first + groups.join('') : undefined;
}
