import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeCursor, encodeCursor } from './cursor.ts';

const text = fc.string({ unit: 'grapheme' });

test('a cursor is read back as the position it was made of', () => {
  fc.assert(
    fc.property(text, text, (name, id) => {
      expect(decodeCursor(encodeCursor({ name, id }))).toEqual({ name, id });
    }),
  );
});

test('a cursor with any one character changed is none', () => {
  const cursor = encodeCursor({ name: 'Mouse ergonomico', id: '019d2f10-6f29-7d11-9c0b-7e6d5c4b3a29' });
  fc.assert(
    fc.property(fc.nat(cursor.length - 1), fc.constantFrom('A', 'b', '0', '_', '.'), (at, other) => {
      const changed = cursor.slice(0, at) + other + cursor.slice(at + 1);
      return changed === cursor || decodeCursor(changed) === undefined;
    }),
  );
});

test('no text whatever makes it throw', () => {
  fc.assert(fc.property(fc.oneof(text, fc.base64String()), (made) => decodeCursor(made) === undefined));
});
