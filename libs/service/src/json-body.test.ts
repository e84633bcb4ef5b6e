import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { parseJson } from './json-body.ts';

describe('a number', () => {
  test.each([
    ['39.90', 39.9],
    ['3.99e1', 39.9],
    ['0.399E+0002', 39.9],
    ['39.900000000000000000000', 39.9],
    ['-0', -0],
    ['0.00000000000000000000', 0],
    ['0e-999', 0],
    ['999999999.99', 999_999_999.99],
    ['123456789012345678', Number.NaN],
    ['0.10000000000000000001', Number.NaN],
    ['0.1000000000000000055511151231257827', Number.NaN],
    ['1e-400', Number.NaN],
    ['1e999', Number.POSITIVE_INFINITY],
    ['5e-324', 5e-324],
    ['4e-324', Number.NaN],
  ])('%s is read as %d', (text, value) => {
    expect(parseJson(text)).toBe(value);
    expect(parseJson(`{"list":[${text}]}`)).toEqual({ list: [value] });
  });

  test('that came from a double is always that double', () => {
    const doubles = new Float64Array(randomBytes(80_000).buffer).filter(Number.isFinite);
    expect(doubles.length).toBeGreaterThan(9_000);
    expect([...doubles].map((value) => parseJson(JSON.stringify(value)))).toEqual([...doubles]);
  });

  test('of 600 000 digits is read in a time that grows with their number', () => {
    const began = performance.now();
    expect(parseJson(`1.${'0'.repeat(600_000)}1`)).toBe(Number.NaN);
    // Quadratic time would be minutes.
    expect(performance.now() - began).toBeLessThan(5_000);
  });
});

test.each(['null', '"1.00000000000000000000"', '{"__proto__":{"a":1},"constructor":[]}', '[{"a":[true,"1e999"]}]'])(
  '%s is read as JSON.parse reads it, beside a long number or not',
  (text) => {
    expect(parseJson(text)).toEqual(JSON.parse(text));
    expect(parseJson(`[${text},1.00000000000000000000]`)).toEqual([JSON.parse(text), 1]);
  },
);

test.each(['', '{"name": ', '[1,]', '01', 'NaN'])('%s is not JSON', (text) => {
  expect(() => parseJson(text)).toThrow('The body is not JSON');
});
