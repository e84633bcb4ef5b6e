/** A price as somebody typed it: a number of at most two decimals, or a sentence that says why it is none. */
export type Typed = { price: number } | { fault: string };

const highest = 999_999_999.99;

/** How a locale writes numbers. */
interface Notation {
  decimal: string;
  group: string;
  /** Digits between two separators, but for the last ones, which are three: two in India. */
  grouped: number;
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
    grouped: parts.filter(({ type }) => type === 'integer').at(-2)?.value.length ?? 3,
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
  const digits = ungrouped(whole, notation);
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

/** Arabic and Persian digits, and the signs written with them, which mean the same everywhere. */
const arabic = '٠١٢٣٤٥٦٧٨٩';
const persian = '۰۱۲۳۴۵۶۷۸۹';

/**
 * With 0 to 9 in place of the locale's own digits, and of Arabic ones. Arabic keyboards have a point and no `٫`: where a point means nothing
 * else, it is that.
 */
function latin(text: string, { digits, decimal, group }: Notation): string {
  const valueOf = (character: string) =>
    Math.max(digits.indexOf(character), arabic.indexOf(character), persian.indexOf(character));
  return [...text]
    .map((character) => {
      if (character === '٫' || (character === '.' && decimal === '٫')) return decimal;
      if (character === '٬') return group;
      const value = valueOf(character);
      return value < 0 ? character : String(value);
    })
    .join('');
}

/**
 * The digits without separators, which may only stand where the locale has them, or before three digits each; undefined for anything else.
 * Whoever types `0,500` means a half, and no locale writes five hundred so.
 */
function ungrouped(whole: string, { group, grouped }: Notation): string | undefined {
  if (/^\d+$/.test(whole)) return whole;
  // Nobody types a narrow space that does not break, nor the apostrophe that printers use.
  const plain = whole.replaceAll(/[\u00a0\u202f]/g, ' ').replaceAll('’', "'");
  const separator = /[\u00a0\u202f ]/.test(group) ? ' ' : group.replace('’', "'");
  if (separator === '') return undefined;
  const groups = plain.split(separator).join(',');
  const byThree = /^[1-9]\d{0,2}(,\d{3})+$/.test(groups);
  const byTwo = grouped === 2 && /^[1-9]\d?(,\d{2})*,\d{3}$/.test(groups);
  // A comma that was typed, and is no separator here, fits nowhere.
  const isOwn = separator === ',' || !plain.includes(',');
  return isOwn && (byThree || byTwo) ? groups.replaceAll(',', '') : undefined;
}
