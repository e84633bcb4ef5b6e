import { Kind, Type, TypeRegistry } from '@sinclair/typebox';

/**
 * A whole number from 1 to `highest` in a query string, which has no types: documented as the number it is, checked as the
 * text it comes as. `name` is the schema's kind, one for each parameter of a process.
 */
export function wholeNumber(name: string, highest: number, description: string, whenAbsent?: number) {
  TypeRegistry.Set(name, (_schema, value) => /^[1-9]\d{0,9}$/.test(String(value)) && Number(value) <= highest);
  return Type.Unsafe<string>({
    [Kind]: name,
    type: 'integer',
    minimum: 1,
    maximum: highest,
    ...(whenAbsent === undefined ? {} : { default: whenAbsent }),
    description,
  });
}
