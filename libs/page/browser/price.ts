/** A typed price: a number with at most two decimals, or a sentence that says why it is invalid. */
export type Typed = { price: number } | { fault: string };

const highest = 999_999_999.99;

/** The locale’s number format. */
interface Notation {
  decimal: string;
  group: string;
  /** Digits between two separators: three, or two in India. The last group always has three. */
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

/** Makes each value once. A formatter takes longer to make than to use a hundred times, and the first rows need none. */
function remembered<T>(make: (locale: string) => T): (locale: string) => T {
  const made = new Map<string, T>();
  return (locale) => {
    const value = made.get(locale) ?? make(locale);
    made.set(locale, value);
    return value;
  };
}

/**
 * Reads a price in the locale’s format: `39,90` and `1.234,50` in Italian, `39.90` and `1,234.50` in English. Never
 * guesses another locale’s format: 1.234 is a thousand in one and one in another.
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

/** Formats a price in the locale, with two decimals. */
export function formatPrice(price: number, locale: string): string {
  return formatterOf(locale).format(price);
}

/** Arabic and Persian digits, which are accepted in every locale, and so are their separators. */
const arabic = '٠١٢٣٤٥٦٧٨٩';
const persian = '۰۱۲۳۴۵۶۷۸۹';

/**
 * Replaces the locale’s own, Arabic and Persian digits by 0 to 9. Arabic keyboards have a point but no `٫`, so a point
 * means that where it means nothing else.
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
 * The digits without separators, which may stand only where the locale puts them, or before every three digits; undefined
 * otherwise. A user who types `0,500` means a half: no locale writes five hundred like that.
 */
function ungrouped(whole: string, { group, grouped }: Notation): string | undefined {
  if (/^\d+$/.test(whole)) return whole;
  // Users type neither a narrow no-break space nor the typographic apostrophe.
  const plain = whole.replaceAll(/[\u00a0\u202f]/g, ' ').replaceAll('’', "'");
  const separator = /[\u00a0\u202f ]/.test(group) ? ' ' : group.replace('’', "'");
  if (separator === '') return undefined;
  const groups = plain.split(separator).join(',');
  const byThree = /^[1-9]\d{0,2}(,\d{3})+$/.test(groups);
  const byTwo = grouped === 2 && /^[1-9]\d?(,\d{2})*,\d{3}$/.test(groups);
  // A typed comma that is not the separator is invalid.
  const isOwn = separator === ',' || !plain.includes(',');
  return isOwn && (byThree || byTwo) ? groups.replaceAll(',', '') : undefined;
}
