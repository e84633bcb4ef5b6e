import { Kind, Type, TypeRegistry } from '@sinclair/typebox';

const longest = 200;

/**
 * True for text that is, once trimmed, 1 to 200 code points long and free of control characters.
 * Half a surrogate pair is no text: it could not be stored as UTF-8 and read back the same.
 */
export function isStoredName(value: unknown): value is string {
  if (typeof value !== 'string' || /\p{Cc}/u.test(value) || !value.isWellFormed()) return false;
  const name = value.trim();
  // A code point is one or two UTF-16 units, so most names need no counting.
  return name.length > 0 && (name.length <= longest || (name.length <= 2 * longest && [...name].length <= longest));
}

const text = { type: 'string', minLength: 1, maxLength: longest, examples: ['Mouse ergonomico'] };
const control = String.raw`\u0000-\u001f\u007f-\u009f`;
// White space that is no control character.
const space = String.raw` \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff`;

TypeRegistry.Set('StoredName', (_schema, value) => isStoredName(value));

/** A name as events hold it: events are for ever, so this stays as loose as it was when the first ones were stored. */
export const StoredName = Type.Unsafe<string>({
  [Kind]: 'StoredName',
  ...text,
  // What isStoredName checks, for generated clients: something besides white space, and no control character. Linear: the
  // middle part can only match the first such character.
  pattern: `^[${space}]*[^\\s${control}][^${control}]*$`,
  description: 'A product name: 1 to 200 characters (code points) once trimmed, without control characters.',
});

// They turn the direction of what follows, in a list of products as well (UAX #9, 2.1 to 2.4).
const bidiControl = String.raw`\u202a-\u202e\u2066-\u2069`;
// Default_Ignorable_Code_Point (UAX #44), and the Braille pattern without dots. Not by name, which not every JSON Schema
// validator knows; above the basic plane as characters, for there is no escape that all of them read.
const ignorable = [
  String.raw`\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f\u2800\u3164`,
  String.raw`\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8`,
  '\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}',
].join('');
const visible = `[^\\s${control}${bidiControl}${ignorable}]`;
const visibleName = new RegExp(`^[${space}${ignorable}]*${visible}[^${control}${bidiControl}]*$`, 'u');

/** True for a name that may be given to a product: one that can be stored, and that is seen, and as it was written. */
export function isProductName(value: unknown): value is string {
  return isStoredName(value) && visibleName.test(value.trim());
}

TypeRegistry.Set('ProductName', (_schema, value) => isProductName(value));

/** What a product may be called. Surrounding white space does not belong to it: whoever accepts one trims it. */
export const ProductName = Type.Unsafe<string>({
  [Kind]: 'ProductName',
  ...text,
  pattern: visibleName.source,
  description:
    'Must be well-formed Unicode with a visible character and without control or bidirectional formatting characters; is trimmed',
});
