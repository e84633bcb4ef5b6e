import { expect, test } from 'vitest';
import { formatPrice } from './price.ts';
import { usableLocale } from './locale.ts';

test.each([
  [['it-IT', 'en'], 'it-IT'],
  [['en-US@posix'], 'en-US'],
  [['de_DE.UTF-8'], 'de-DE'],
  [['C', 'fr'], 'fr'],
  [['', 'x y'], 'en'],
  [[], 'en'],
])('of %j the page takes %s, and can format prices in it', (languages, locale) => {
  expect(usableLocale(languages)).toBe(locale);
  expect(formatPrice(1, locale)).not.toBe('');
});
