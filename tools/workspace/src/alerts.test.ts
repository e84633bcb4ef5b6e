import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
const rules = textOf('docs/reference/alerts.rules.yml');
const page = textOf('docs/reference/metrics.md');

interface Alert {
  expr: string;
  for: string;
  summary: string;
  runbook: string;
}

/** The rules. The file has these lines only, each a plain or a quoted text, so that no parser of YAML is needed. */
function ruled(): Alert[] {
  const [head, ...blocks] = rules.split('\n      - alert: ');
  expect(head).toMatch(/^(#.*\n)+groups:\n {2}- name: \w+\n {4}rules:$/);
  return blocks.map((block) => {
    const parts =
      /^[A-Z]\w+\n {8}expr: (\w.*)\n(?: {8}for: (\d+s)\n)? {8}annotations:\n {10}summary: (.*)\n {10}runbook: (\S+)\n?$/.exec(
        block,
      );
    if (parts === null) throw new Error(`A rule has another form: ${block}`);
    const [, expr = '', pending = '', summary = '', runbook = ''] = parts;
    const isQuoted = /^"[^"\\]*"$/.test(summary);
    for (const plain of isQuoted ? [expr] : [expr, summary]) expect(plain).not.toMatch(/: | #|:$/);
    return { expr, for: pending, summary: isQuoted ? summary.slice(1, -1) : summary, runbook };
  });
}

/** The alerts of the page that are on a metric. */
function documented(): Alert[] {
  const row = /^\| `([^/`][^`]*)`(?: for (\d+) s)? +\| (.*?) +\| \[.*?\]\(\.\.\/(.*?)\) +\|$/gm;
  return [...page.slice(page.indexOf('## Alerts')).matchAll(row)].map(
    ([, expr = '', seconds, summary = '', runbook = '']) => ({
      expr,
      for: seconds === undefined ? '' : `${seconds}s`,
      summary,
      runbook: `docs/${runbook}`,
    }),
  );
}

test('the rules are the alerts of the page', () => {
  expect(documented().length).toBeGreaterThan(5);
  expect(ruled()).toEqual(documented());
});

test('every metric in a rule is one that a process registers', () => {
  const sources = globSync('{apps,libs}/*/src/**/*metrics.ts', { cwd: root }).map(textOf).join('\n');
  const words = /"[^"]*"|\[\w+\]|\b(?:sum by \(\w+\)|rate|time)|\b[a-z]\w*(?==)|\b([a-z]\w*)/g;
  const used = ruled().flatMap(({ expr }) => [...expr.matchAll(words)].flatMap(([, name]) => name ?? []));
  expect(used.length).toBe(ruled().length);
  for (const name of used) expect(sources).toContain(`name: '${name}'`);
});
