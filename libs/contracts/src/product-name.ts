import { Kind, Type, TypeRegistry } from '@sinclair/typebox';

const maxNameLength = 200;

/**
 * True for text that is, after trimming, 1 to 200 code points long and without control characters. Half a surrogate pair is not
 * text: it cannot be stored as UTF-8.
 */
export function isStoredName(value: unknown): value is string {
  if (typeof value !== 'string' || /\p{Cc}/u.test(value) || !value.isWellFormed()) return false;
  const name = value.trim();
  // A code point is one or two UTF-16 units, so most names need no counting.
  return (
    name.length > 0 &&
    (name.length <= maxNameLength || (name.length <= 2 * maxNameLength && [...name].length <= maxNameLength))
  );
}

const text = { type: 'string', minLength: 1, maxLength: maxNameLength, examples: ['Mouse ergonomico'] };
const control = String.raw`\u0000-\u001f\u007f-\u009f`;
// White space except control characters.
const space = String.raw` \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff`;

TypeRegistry.Set('StoredName', (_schema, value) => isStoredName(value));

/** A name in an event. Events are kept for ever, so this check stays as loose as it was for the first ones. */
export const StoredName = Type.Unsafe<string>({
  [Kind]: 'StoredName',
  ...text,
  // The check of isStoredName for generated clients: a character that is no white space, and no control character. Linear: the
  // middle part matches only the first such character.
  pattern: `^[${space}]*[^\\s${control}][^${control}]*$`,
  description: 'A product name: 1 to 200 characters (code points) once trimmed, without control characters.',
});

// They change the direction of the text after them, in a list of products as well (UAX #9, 2.1 to 2.4).
const bidiControl = String.raw`\u202a-\u202e\u2066-\u2069`;
// Default_Ignorable_Code_Point (UAX #44), and the empty Braille pattern. Listed, because not every JSON Schema validator knows
// the property; above the basic plane as characters, because no escape works in all of them.
const ignorable = [
  String.raw`\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u2065\u206a-\u206f\u2800\u3164`,
  String.raw`\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8`,
  '\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}',
].join('');
const visible = `[^\\s${control}${bidiControl}${ignorable}]`;
const visibleName = new RegExp(`^[${space}${ignorable}]*${visible}[^${control}${bidiControl}]*$`, 'u');

/** True for a name that a command may give: it can be stored, it is visible, and it is displayed as it was written. */
export function isProductName(value: unknown): value is string {
  return isStoredName(value) && visibleName.test(value.trim());
}

TypeRegistry.Set('ProductName', (_schema, value) => isProductName(value));

/** A product name in a command. Commands trim surrounding white space. */
export const ProductName = Type.Unsafe<string>({
  [Kind]: 'ProductName',
  ...text,
  pattern: visibleName.source,
  description:
    'Must be well-formed Unicode with a visible character and without control or bidirectional formatting characters; is trimmed',
});
