import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseSync, Visitor } from 'oxc-parser';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** A regular expression in the source, with its file. */
export interface Pattern {
  file: string;
  source: string;
  flags: string;
}

/** The patterns of a file: literals, and the code of computed ones. */
export interface Patterns {
  patterns: Pattern[];
  computed: { file: string; code: string }[];
}

/** Every source file except tests and what only tests import. */
export function productFiles(): string[] {
  const files = globSync('{apps,libs,tools}/*/{src,browser}/**/*.ts', { cwd: root });
  return files.filter((file) => !file.endsWith('.test.ts') && !file.startsWith('tools/testing/'));
}

export function readSource(file: string): string {
  return readFileSync(`${root}/${file}`, 'utf8');
}

/** The literals, the calls of `RegExp` and the members called `pattern` (as in JSON Schema) of a file. */
export function patternsOf(file: string, text: string): Patterns {
  const found: Patterns = { patterns: [], computed: [] };
  const { program, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file} cannot be parsed: ${errors[0]?.message}`);
  const add = (node: Node, source: unknown, flags: unknown) => {
    if (typeof source === 'string')
      found.patterns.push({ file, source, flags: typeof flags === 'string' ? flags : '' });
    else found.computed.push({ file, code: text.slice(node.start, node.end) });
  };
  const addCall = (node: Call) => {
    if (node.callee.name === 'RegExp') add(node, node.arguments[0]?.value, node.arguments[1]?.value);
  };
  new Visitor({
    Literal: (node) => {
      if ('regex' in node) add(node, node.regex.pattern, node.regex.flags);
    },
    NewExpression: (node) => addCall(node as Call),
    CallExpression: (node) => addCall(node as Call),
    Property: (node) => {
      const { key, value } = node as { key: { name?: string }; value: { type: string; value?: unknown } };
      const isSchemaKeyword =
        key.name === 'pattern' && value.type !== 'Identifier' && value.type !== 'AssignmentPattern';
      if (isSchemaKeyword) add(node, value.value, 'u');
    },
  }).visit(program);
  return found;
}

interface Node {
  start: number;
  end: number;
}

interface Call extends Node {
  callee: { name?: string };
  arguments: { value?: unknown }[];
}

/** The patterns of JSON schemas, at any depth. */
export function schemaPatterns(file: string, value: unknown): Pattern[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === 'pattern' && typeof member === 'string'
      ? [{ file, source: member, flags: 'u' }]
      : schemaPatterns(file, member),
  );
}
