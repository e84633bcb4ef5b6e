import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatPrice, readPrice } from './price.ts';

test.each([
  ['39,90', 'it-IT', 39.9],
  ['39,9', 'de-DE', 39.9],
  ['1.234,50', 'it-IT', 1234.5],
  ['1.234', 'it-IT', 1234],
  ['39.90', 'en-US', 39.9],
  ['1,234,567.89', 'en-US', 1234567.89],
  ['1 234,5', 'fr-FR', 1234.5],
  ['1 234,5', 'fr-FR', 1234.5],
  ["1'234.5", 'de-CH', 1234.5],
  ['٣٩٫٩٠', 'ar-EG', 39.9],
  ['12,34,567.50', 'en-IN', 1234567.5],
  ['1,234,567.50', 'en-IN', 1234567.5],
  ['39.90', 'ar-EG', 39.9],
  ['١٬٢٣٤٫٥', 'ar-EG', 1234.5],
  ['٣٩٫٩٠', 'ar', 39.9],
  ['۳۹٫۹۰', 'fa-IR', 39.9],
  [' 0 ', 'en-GB', 0],
  ['999999999.99', 'en-US', 999_999_999.99],
])('%s in %s is the price %d', (text, locale, price) => {
  expect(readPrice(text, locale)).toEqual({ price });
});

test.each([
  ['39,90', 'en-US', '“39,90” cannot be read as a price: here one is written like 39.90.'],
  ['39.90', 'it-IT', '“39.90” cannot be read as a price: here one is written like 39,90.'],
  ['1,2,3', 'it-IT', '“1,2,3” cannot be read as a price: here one is written like 39,90.'],
  ['12 €', 'it-IT', '“12 €” cannot be read as a price: here one is written like 39,90.'],
  ['1e3', 'en-US', '“1e3” cannot be read as a price: here one is written like 39.90.'],
  ['0x10', 'en-US', '“0x10” cannot be read as a price: here one is written like 39.90.'],
  ['0,500', 'en-US', '“0,500” cannot be read as a price: here one is written like 39.90.'],
  ['0.500', 'de-DE', '“0.500” cannot be read as a price: here one is written like 39,90.'],
  ['0,001', 'de-DE', 'A price has at most two decimals.'],
  ['12,34,567', 'en-US', '“12,34,567” cannot be read as a price: here one is written like 39.90.'],
  ['1,234.56', 'de-DE', '“1,234.56” cannot be read as a price: here one is written like 39,90.'],
  ['1 234,567', 'fr-FR', 'A price has at most two decimals.'],
  ['5.', 'en-US', '“5.” cannot be read as a price: here one is written like 39.90.'],
  ["1'; drop table products; --", 'en-US', /cannot be read as a price/],
  ['', 'it-IT', 'A price is missing, for example 39,90.'],
  ['-1', 'en-US', 'A price cannot be below zero.'],
  ['1.999', 'en-US', 'A price has at most two decimals.'],
  ['1000000000', 'en-US', 'A price is at most 999,999,999.99.'],
])('%s in %s is refused with a sentence', (text, locale, sentence) => {
  expect(readPrice(text, locale)).toEqual({ fault: expect.stringMatching(sentence) as string });
});

test('reading a formatted price returns the same price, in every locale', () => {
  const locales = ['en-US', 'it-IT', 'de-CH', 'fr-FR', 'ar-EG', 'hi-IN', 'pt-PT', 'fa-IR', 'sv-SE', 'pl-PL', 'en-IN'];
  fc.assert(
    fc.property(fc.nat(99_999_999_999), fc.constantFrom(...locales), (cents, locale) => {
      expect(readPrice(formatPrice(cents / 100, locale), locale)).toEqual({ price: cents / 100 });
    }),
  );
});
