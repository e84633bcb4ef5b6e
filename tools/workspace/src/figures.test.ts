import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { constantIn, type Mark, marksOf, numberIn, recordedFigures } from './figures.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
const recorded = recordedFigures(textOf('docs/performance.md'));
const listed = ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'];
const documents = execFileSync('git', listed, { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)) && marksOf(textOf(path)).length > 0);

function expected({ source, name }: Mark): number | undefined {
  if (!source.includes('/')) return numberIn(recorded.get(source)?.get(name));
  return existsSync(join(root, source)) ? constantIn(textOf(source), name) : undefined;
}

test.each(documents)('the figures of %s equal the recorded ones or those in the code', (path) => {
  const wrong = marksOf(textOf(path)).flatMap((mark) => {
    const value = expected(mark);
    // What was measured may be rounded, what the code says may not.
    const tolerance = mark.source.includes('/') ? 0 : mark.tolerance;
    const isRight = value !== undefined && Math.abs(value - mark.value) <= tolerance;
    return isRight ? [] : [`${mark.text}: ${mark.source} has ${value ?? 'no'} ${mark.name}`];
  });
  expect(wrong).toEqual([]);
});

test('a mark is read with the possibly rounded number before it', () => {
  const text =
    'from 18 000/s<!-- creates-32: a second --> and 8.1 ms<!-- lone: p50 -->; 20 events<!-- a/b.ts: every -->';
  expect(marksOf(text)).toMatchObject([
    { value: 18_000, tolerance: 500, source: 'creates-32', name: 'a second' },
    { value: 8.1, tolerance: 0.05, source: 'lone', name: 'p50' },
    { value: 20, tolerance: 5, source: 'a/b.ts', name: 'every' },
  ]);
});

test('a figure is found in the tables by its name', () => {
  const table =
    '| scenario | a second |\n| --- | --- |\n| drain | 49 929 (48 000–50 000) |\n\n| scenario | idle |\n| --- | --- |\n| drain | 0.23 |';
  const drain = recordedFigures(table).get('drain');
  expect([numberIn(drain?.get('a second')), numberIn(drain?.get('idle')), drain?.get('p50')]).toEqual([
    49_929,
    0.23,
    undefined,
  ]);
});

test('a constant is found by its name', () => {
  expect(constantIn('// why\nconst longestMs: number = 10_000;', 'longestMs')).toBe(10_000);
  expect(constantIn('const longestMsBefore = 1;', 'longestMs')).toBeUndefined();
});
