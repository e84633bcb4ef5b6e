import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeToken, encodeToken } from './consistency-token.ts';

test('decoding a token returns what it was encoded from', () => {
  const id = fc.string({ unit: 'grapheme', minLength: 1 });
  fc.assert(
    fc.property(id, fc.integer({ min: 1, max: 2_147_483_647 }), (product, version) => {
      expect(decodeToken(encodeToken({ id: product, version }))).toEqual({ id: product, version });
    }),
  );
});

test('a token has the form of the release before: services of both releases take it', () => {
  const token = { id: '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29', version: 12 };
  const made = 'MTI6MDE5ZDJmMTAtNmYyOS03ZDExLTljMGItN2U2ZDVjNGIzYTI5';
  expect([encodeToken(token), decodeToken(made)]).toEqual([made, token]);
});

test.each(['', 'x', 'MTox=', 'MDp4', Buffer.from('1:').toString('base64url')])('"%s" is not a token', (text) => {
  expect(decodeToken(text)).toBeUndefined();
});

test('decoding never throws, and accepts only encoded tokens', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const token = decodeToken(text);
      return token === undefined || encodeToken(token) === text;
    }),
  );
});
