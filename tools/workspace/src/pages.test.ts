import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const pages = filesOf('*.md');
/** Changelogs are generated. */
const written = pages.filter((page) => !page.endsWith('CHANGELOG.md'));
/** The service of docs/how-to/add-a-consumer.md. */
const madeByReaders = 'apps/price-days/';

test.each(pages)('every link of %s leads to a file and a heading', (page) => {
  expect(deadLinks(join(root, page))).toEqual([]);
});

test.each(written)('prose and list items of %s are at most 100 columns wide', (page) => {
  const lines = withoutCode(readFileSync(join(root, page), 'utf8')).split('\n');
  expect(lines.filter((line) => line.length > 100 && canBeWrapped(line))).toEqual([]);
});

test.each(written)('the cells of the tables of %s have at most 120 characters', (page) => {
  const rows = withoutCode(readFileSync(join(root, page), 'utf8')).match(/^ *\|.*$/gm) ?? [];
  const cells = rows.flatMap((row) => row.split('|').map((cell) => shown(cell).trim()));
  expect(cells.filter((cell) => cell.length > 120 && !/^-+$/.test(cell))).toEqual([]);
});

test('every page that source code names exists', () => {
  const missing = filesOf('*.ts', '*.mjs', '*.cjs', '*.sql', '*.yml', '*Dockerfile').flatMap((file) => {
    const named = readFileSync(join(root, file), 'utf8').matchAll(/\bdocs\/[\w/-]{1,100}\.md\b/g);
    return [...named].flatMap(([page]) => (existsSync(join(root, page)) ? [] : [`${file} names ${page}`]));
  });
  expect(missing).toEqual([]);
});

test('every source file that a page or a comment names exists', () => {
  const sources = filesOf('*.ts', '*.mjs', '*.cjs', '*.sql');
  const comment = /^\s*(?:\/\/|\/?\*|--) .*/gm;
  const missing = [...pages, ...sources].flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    // Without the code of pages, which may be the reader's.
    const prose = file.endsWith('.md')
      ? text.replaceAll(/^```[^]*?^```/gm, '')
      : (text.match(comment)?.join('\n') ?? '');
    const named = prose.matchAll(/(?<![\w./-])[\w-][\w./-]{0,100}\.(?:ts|mjs|cjs|sql)\b/g);
    return [...named].flatMap(([name]) =>
      name.startsWith(madeByReaders) || sources.some((source) => `/${source}`.endsWith(`/${name}`))
        ? []
        : [`${file} names ${name}`],
    );
  });
  expect(missing).toEqual([]);
});

/** The files of the working tree that match a pattern of git's. */
function filesOf(...patterns: string[]): string[] {
  const args = ['ls-files', '--cached', '--others', '--exclude-standard', ...patterns];
  const files = execFileSync('git', args, { cwd: root, encoding: 'utf8' }).split('\n');
  return files.filter((file) => file !== '' && existsSync(join(root, file)));
}

/** Whether a line has a space at which it can end. Tables have none, and links and code stay whole. */
function canBeWrapped(line: string): boolean {
  const words = line
    .replace(/^ *(?:[-*] |\d+\. )?/, '')
    .replaceAll(/\[[^\]]*\]\([^)]*\)|\[[^\]]*\]: |`[^`]*`|<!--.*?-->/g, '·');
  return !words.startsWith('|') && words.includes(' ');
}

/** The text of a cell without what a reader does not see. */
function shown(cell: string): string {
  return cell.replaceAll(/\]\([^)]*\)|<!--.*?-->|[`[]/g, '');
}

/** The relative links of a page that lead to no file, or to no heading of a Markdown file. */
function deadLinks(page: string): string[] {
  return linksOf(withoutCode(readFileSync(page, 'utf8'))).filter((link) => {
    const [path = '', heading] = link.split('#');
    const target = path === '' ? page : join(dirname(page), decodeURIComponent(path));
    if (!existsSync(target) || relative(root, target).startsWith('..')) return true;
    return heading !== undefined && target.endsWith('.md') && !headingsOf(target).has(heading);
  });
}

function linksOf(text: string): string[] {
  const inline = [...text.matchAll(/\]\(([^()\s]+)\)/g)];
  const defined = [...text.matchAll(/^\[[^\]]+\]: (\S+)$/gm)];
  return [...inline, ...defined].flatMap(([, link = '']) => (/^[a-z]+:/.test(link) ? [] : [link]));
}

/** Headings as GitHub addresses them: lower case, no punctuation, spaces as hyphens, a number for each repetition. */
function headingsOf(page: string): Set<string> {
  const found = new Set<string>();
  for (const [, text = ''] of withoutCode(readFileSync(page, 'utf8')).matchAll(/^#{1,6} (.+)$/gm)) {
    const words = text.replace(/\]\([^)]*\)/g, '').toLowerCase();
    const name = words
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replace(/\s/g, '-');
    let unique = name;
    for (let n = 1; found.has(unique); n++) unique = `${name}-${n}`;
    found.add(unique);
  }
  return found;
}

function withoutCode(text: string): string {
  return text.replace(/^ *```[^]*?^ *```/gm, '');
}
