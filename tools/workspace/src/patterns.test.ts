import { createContext, runInContext } from 'node:vm';
import * as contracts from '@catalogue/contracts';
import { check } from 'recheck';
import { expect, test, vi } from 'vitest';
import { hostileTexts } from './hostile-texts.ts';
import { type Pattern, patternsOf, productFiles, readSource, schemaPatterns } from './patterns.ts';

const found = productFiles().map((file) => patternsOf(file, readSource(file)));
const written = found.flatMap(({ patterns }) => patterns);
const distinct = new Map(
  [...written, ...schemaPatterns('libs/contracts', contracts)].map((one) => [`${one.source}/${one.flags}`, one]),
);
const patterns = [...distinct.values()];

// recheck in JavaScript, without the programs for other runtimes that it looks for first.
vi.stubEnv('RECHECK_BACKEND', 'pure');

const vulnerable: Pattern = { file: 'a.ts', source: '^(a|b*)*$', flags: '' };

test('every pattern of the source is found', () => {
  const code =
    "const a = /b/g.test(c), { pattern } = d, e = { pattern: 'f' }, g = new RegExp('h', 'i'), j = RegExp(k);";
  expect(patternsOf('a.ts', code)).toEqual({
    patterns: [
      { file: 'a.ts', source: 'b', flags: 'g' },
      { file: 'a.ts', source: 'f', flags: 'u' },
      { file: 'a.ts', source: 'h', flags: 'i' },
    ],
    computed: [{ file: 'a.ts', code: 'RegExp(k)' }],
  });
  const files = new Set(written.map(({ file }) => file.split('/', 2).join('/')));
  for (const folder of ['apps/command-api', 'apps/query-api', 'libs/client', 'libs/page', 'libs/service'])
    expect(files).toContain(folder);
});

test('no pattern is computed outside libs/contracts, whose exported schemas are checked', () => {
  const elsewhere = found.flatMap(({ computed }) => computed).filter(({ file }) => !file.startsWith('libs/contracts/'));
  expect(elsewhere).toEqual([]);
  expect(patterns.some(({ file }) => file === 'libs/contracts')).toBe(true);
});

test('every pattern of a service or library is linear by its structure', async () => {
  expect(await complaint(vulnerable)).toEqual([expect.stringContaining('exponential')]);
  const complaints: string[] = [];
  // The tools read what this repository's own programs write: the texts below are enough, and three quarters of the time.
  const shipped = patterns.filter(({ file }) => !file.startsWith('tools/'));
  for (const pattern of shipped) complaints.push(...(await complaint(pattern)));
  expect(complaints).toEqual([]);
}, 300_000);

test('every pattern reads 100 000 hostile characters in linear time', () => {
  expect(slowTexts(vulnerable)).not.toEqual([]);
  expect(patterns.flatMap(slowTexts)).toEqual([]);
}, 300_000);

async function complaint({ file, source, flags }: Pattern): Promise<string[]> {
  // No bound on time that a busy machine could pass: `unknown` is a complaint, too.
  const options = { timeout: null, attackTimeout: null, incubationTimeout: null };
  const { status, complexity } = { complexity: undefined, ...(await check(source, flags, options)) };
  return status === 'safe' ? [] : [`${file}: /${source}/${flags} is ${status}: ${complexity?.summary}`];
}

const realm = createContext({ pattern: /a/, text: '' });
// Milliseconds. A linear pattern takes under 10, a quadratic one 5 000 and more.
const timeout = 2_000;

function slowTexts({ file, source, flags }: Pattern): string[] {
  const slow: string[] = [];
  for (const text of hostileTexts(source, 100_000)) {
    try {
      Object.assign(realm, { pattern: new RegExp(source, flags), text });
      runInContext("text.replace(pattern, '')", realm, { timeout });
    } catch (error) {
      slow.push(`${file}: /${source}/${flags} at ${JSON.stringify(text.slice(0, 20))}: ${(error as Error).message}`);
      return slow;
    }
  }
  return slow;
}
