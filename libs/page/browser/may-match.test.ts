import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mayMatch } from './may-match.ts';

test.each([
  ['mouse', 'Gaming MOUSE, blue'],
  ['mou', 'Mouse'],
  ['ouse', 'Dormouse'],
  ['blue mouse', 'Mouse, blue'],
  ['mosue', 'Mouse'],
  ['moose', 'Mouse'],
  ['kyeboadr', 'Keyboard'],
  ['cafe', 'Café'],
  ['CAFÉ', 'cafe'],
  ['μουσα', 'Μοῦσαι'],
  ['οδος', 'ΟΔΟΣΗΜΑ'],
  ['елка', 'Ёлка'],
  ['电脑', '联想笔记本电脑'],
  ['联想电脑', '联想笔记本电脑'],
  ['strasse', 'Straße'],
  ['C++', 'C# book'],
  ['a b c d e f g h i j k', 'a b c d e f g h i j'],
  ['№ 5', 'Nº 5'],
])('a search for %o may find %o', (query, name) => {
  expect(mayMatch(query, name)).toBe(true);
});

test.each([
  ['mouse', 'Keyboard'],
  ['mouse', 'Monitor'],
  ['blue mouse', 'Blue keyboard'],
  ['m2', 'M3 screw'],
  ['hub', 'Keyboard'],
  ['鼠标', '联想笔记本电脑'],
  ['мышь', 'Клавиатура'],
])('a search for %o cannot find %o', (query, name) => {
  expect(mayMatch(query, name)).toBe(false);
});

test('a word of a name with two faults may find the name', () => {
  const name = fc.array(fc.stringMatching(/^[a-zA-Zé]{6,12}$/), { minLength: 1, maxLength: 4 });
  const fault = (place: number) =>
    fc.constantFrom(
      (word: string) => `${word.slice(0, place)}x${word.slice(place)}`,
      (word: string) => `${word.slice(0, place)}x${word.slice(place + 1)}`,
      (word: string) => word.slice(0, place) + word.slice(place + 1),
      (word: string) => word.slice(0, place) + (word[place + 1] ?? '') + (word[place] ?? '') + word.slice(place + 2),
    );
  fc.assert(
    fc.property(name, fault(4), fault(1), fc.nat(), (words, late, early, nth) => {
      const typed = early(late(words[nth % words.length] ?? ''));
      // A word of five letters is forgiven only one fault.
      fc.pre(typed.length > 5);
      expect(mayMatch(typed, words.join(' '))).toBe(true);
    }),
  );
});
