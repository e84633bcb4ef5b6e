import { isDeepStrictEqual } from 'node:util';
import { type Breakage, narrowed, type Schema, widened } from './breakage.ts';

/** Keywords for people, which validators ignore. */
const annotations = new Set(
  '$comment $id $schema default deprecated description examples readOnly title writeOnly'.split(' '),
);

/** Limits that narrow when they rise, each with its value when absent. */
const lowerLimits: Readonly<Record<string, number>> = {
  minimum: -Infinity,
  exclusiveMinimum: -Infinity,
  minLength: 0,
  minItems: 0,
  minProperties: 0,
};
const upperLimits = new Set(['maximum', 'exclusiveMaximum', 'maxLength', 'maxItems', 'maxProperties']);

/** Keywords of a schema that decide what is valid. */
export function keywordsOf(schema: Schema): string[] {
  return Object.keys(schema).filter((keyword) => !annotations.has(keyword));
}

type Direction = 'same' | 'narrower' | 'wider' | 'other';

/** The changes of some keywords, each on its own. */
export function compareConstraints(
  stored: Schema,
  current: Schema,
  keywords: Iterable<string>,
  path: string,
): Breakage[] {
  return [...keywords].flatMap((keyword) => {
    const how = `${keyword} ${changeOf(stored[keyword], current[keyword])}`;
    return breakages(direction(keyword, stored[keyword], current[keyword]), path, how);
  });
}

/** `other` breaks both kinds of readers: neither schema contains the other, or that is unknown. */
function breakages(change: Direction, path: string, how: string): Breakage[] {
  switch (change) {
    case 'same':
      return [];
    case 'narrower':
      return [narrowed(path, how)];
    case 'wider':
      return [widened(path, how)];
    case 'other':
      return [widened(path, how), narrowed(path, how)];
    default:
      return change satisfies never;
  }
}

function direction(keyword: string, stored: unknown, current: unknown): Direction {
  if (isDeepStrictEqual(stored, current)) return 'same';
  const lowest = lowerLimits[keyword];
  if (lowest !== undefined) return compareLimits(Number(stored ?? lowest), Number(current ?? lowest));
  if (upperLimits.has(keyword)) return compareLimits(-Number(stored ?? Infinity), -Number(current ?? Infinity));
  if (stored === undefined) return 'narrower';
  if (current === undefined) return 'wider';
  if (keyword === 'multipleOf') return compareSteps(Number(stored), Number(current));
  if (keyword === 'type' && current === 'integer' && stored === 'number') return 'narrower';
  if (keyword === 'type' && current === 'number' && stored === 'integer') return 'wider';
  return 'other';
}

function compareLimits(stored: number, current: number): Direction {
  if (current === stored) return 'same';
  return current > stored ? 'narrower' : 'wider';
}

function compareSteps(stored: number, current: number): Direction {
  if (isWhole(current / stored)) return 'narrower';
  return isWhole(stored / current) ? 'wider' : 'other';
}

/** 0.3 / 0.1 is 2.9999999999999996. */
function isWhole(ratio: number): boolean {
  return Math.abs(ratio - Math.round(ratio)) < 1e-9 && Math.round(ratio) > 0;
}

function changeOf(stored: unknown, current: unknown): string {
  if (stored === undefined) return `${JSON.stringify(current)} is new`;
  if (current === undefined) return `${JSON.stringify(stored)} is gone`;
  return `${JSON.stringify(stored)} became ${JSON.stringify(current)}`;
}
