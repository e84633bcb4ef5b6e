import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const page = fileURLToPath(new URL('../../../docs/explanation/threat-model.md', import.meta.url));
const rows = [
  ...readFileSync(page, 'utf8').matchAll(/^\| ([^|]+?) +\| `([^`]+)` +\| \[[^\]]+\]\(([^)]+)\) +\|$/gm),
].map(([, attack = '', title = '', file = '']) => ({ attack, title, file: join(dirname(page), file) }));

test('the threat model lists the attacks with their tests', () => {
  expect(rows.length).toBeGreaterThan(25);
});

test.each(rows)('the test of the attack "$attack" exists', ({ title, file }) => {
  expect(existsSync(file)).toBe(true);
  const text = readFileSync(file, 'utf8');
  // A title, or the name of one of its cases.
  expect([`'${title}'`, `"${title}"`].some((quoted) => text.includes(quoted))).toBe(true);
});
