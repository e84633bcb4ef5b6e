import { Kind, Type, TypeRegistry } from '@sinclair/typebox';

const longest = 200;

/**
 * True for text that is, once trimmed, 1 to 200 code points long and free of control characters.
 * Half a surrogate pair is no text: it could not be stored as UTF-8 and read back the same.
 */
export function isProductName(value: unknown): value is string {
  if (typeof value !== 'string' || /\p{Cc}/u.test(value) || !value.isWellFormed()) return false;
  const name = value.trim();
  // A code point is one or two UTF-16 units, so most names need no counting.
  return name.length > 0 && (name.length <= longest || (name.length <= 2 * longest && [...name].length <= longest));
}

TypeRegistry.Set('ProductName', (_schema, value) => isProductName(value));

/** What a product is called. Surrounding white space does not belong to it: whoever accepts one trims it. */
export const ProductName = Type.Unsafe<string>({
  [Kind]: 'ProductName',
  type: 'string',
  minLength: 1,
  maxLength: longest,
  // What isProductName checks, for generated clients: something besides white space, and no control character.
  pattern: String.raw`^[^\u0000-\u001f\u007f-\u009f]*[^\s\u0000-\u001f\u007f-\u009f][^\u0000-\u001f\u007f-\u009f]*$`,
  description: 'A product name: 1 to 200 characters (code points) once trimmed, without control characters.',
  examples: ['Mouse ergonomico'],
});
