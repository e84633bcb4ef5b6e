import { expect, test } from 'vitest';
import { withRecord } from './document.ts';

const begin = '<!-- Written by npm run bench -- --write; changes are lost. -->';
const document = `# Performance\n\n${begin}\nold\n<!-- Until here. -->\n\n## Read side\n`;

test('only the text between the markers is replaced, at each run', () => {
  const once = withRecord(document, 'new');
  expect(once).toBe(`# Performance\n\n${begin}\n\nnew\n\n<!-- Until here. -->\n\n## Read side\n`);
  expect(withRecord(once, 'new')).toBe(once);
});

test('a document without markers is left alone', () => {
  expect(() => withRecord('# Performance', 'new')).toThrow('lacks the markers');
});
