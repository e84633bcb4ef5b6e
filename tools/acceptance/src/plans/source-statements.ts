import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../..', import.meta.url));
const folders = '{apps,libs}/*/src/**/*.ts';
const ofTests = /\.test\.ts$/;

/** A statement in the source: its place, and the parts of its text between the values. */
export interface SourceStatement {
  name: string;
  parts: readonly string[];
}

/** The statements with a plan in the services' source: template literals that begin with such a command. */
export function sourceStatements(): SourceStatement[] {
  const files = globSync(folders, { cwd: root }).filter((file) => !ofTests.test(file));
  return files.flatMap((file) => {
    const source = readFileSync(`${root}/${file}`, 'utf8');
    return [...source.matchAll(/[\w>]`(?:\n\s*)?(?=(?:select|insert|update|delete|with)\s)/g)].map((found) => ({
      name: `${file}:${source.slice(0, found.index).split('\n').length}`,
      parts: partsOf(source, found.index + found[0].length),
    }));
  });
}

/** True for a text that may come from the statement, alone or nested in another one. */
export function isMadeFrom({ parts: [first = '', ...others] }: SourceStatement, text: string): boolean {
  const start = text.startsWith(first) ? 0 : text.replaceAll('( ', '((').indexOf(`(${first}`) + 1;
  if (!text.startsWith(first, start)) return false;
  let from = start + first.length;
  return others.every((part) => {
    const at = text.indexOf(part, from);
    from = at + part.length;
    return at >= 0;
  });
}

/** The parts of a template literal between its values. */
function partsOf(source: string, start: number): string[] {
  const parts = [''];
  let depth = 0;
  for (let at = start; ; at++) {
    const sign = source[at];
    if (sign === undefined) throw new Error('A template literal has no end');
    if (depth > 0) depth += sign === '{' ? 1 : sign === '}' ? -1 : 0;
    else if (sign === '`') break;
    else if (sign === '$' && source[at + 1] === '{') {
      parts.push('');
      depth = 1;
      at += 1;
    } else parts[parts.length - 1] += sign;
  }
  return parts.map((part) => part.trim().replaceAll(/\s+/g, ' ')).filter((part) => part !== '');
}
