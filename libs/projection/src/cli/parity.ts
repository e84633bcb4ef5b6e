import { isDeepStrictEqual } from 'node:util';
import type { Difference, Parity, Summary } from '../operate/rebuild/compare.ts';
import { table } from './table.ts';

/** The result of a comparison as text. */
export function describeParity({ serving, candidate, different, differences, comparable }: Parity): string {
  const row = ({ generation, rows, hash }: Summary) => [generation, rows, hash];
  const summary = table(['generation', 'rows', 'hash'], [row(serving), row(candidate)]);
  const isCounted = serving.rows === candidate.rows && serving.hash === candidate.hash;
  const same = isCounted ? 'No row differs' : 'No row differs: the counts differed only because of changes in transit';
  const outcome = different === 0 ? same : `${different} rows differ; the first, from old to new:`;
  const late = 'One generation did not catch up with the other within 10 s: some differences may be late changes';
  return [summary, outcome, ...differences.map(describe), ...(comparable ? [] : [late])].join('\n');
}

function describe({ id, serving, candidate }: Difference): string {
  if (serving === null) return `  ${id}: missing in the old`;
  if (candidate === null) return `  ${id}: missing in the new`;
  const changes = Object.entries(candidate)
    .filter(([column, value]) => !isDeepStrictEqual(value, serving[column]))
    .map(([column, value]) => `${column} ${JSON.stringify(serving[column])} → ${JSON.stringify(value)}`);
  return `  ${id}: ${changes.join(', ')}`;
}
