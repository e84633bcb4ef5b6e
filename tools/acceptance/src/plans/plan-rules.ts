import { boundOf } from './large-reads.ts';
import type { LoggedStatement, PlanNode } from './statement-log.ts';

/** Tables with a row for each generation, partition, reader or server, whatever the number of products. */
const tablesOfFixedSize = new Set(['generations', 'consumer_offsets', 'change_counters', 'cursors', 'log_origin']);

/** Rows that a statement reads and discards. */
const maxRowsRemoved = 200;
/** Pages of 8 kB: for a statement that touches no row, and for each row that its plan touches. */
const maxBuffers = 500;
const maxBuffersPerRow = 100;

/** The faults of an executed statement, one line each; empty if it used its indexes. */
export function faultsOf({ text, plan }: Pick<LoggedStatement, 'text' | 'plan'>): string[] {
  const { buffers, rowsRemoved = maxRowsRemoved, mayScan = false } = boundOf(text) ?? {};
  const nodes = nodesOf(plan);
  const scans = nodes.flatMap((node) => (isScan(node) && !mayScan ? [`reads all of ${node['Relation Name']}`] : []));
  const removed = nodes.reduce((sum, node) => sum + rowsRemovedBy(node), 0);
  const read = (plan['Shared Hit Blocks'] ?? 0) + (plan['Shared Read Blocks'] ?? 0);
  const allowed = buffers ?? maxBuffers + maxBuffersPerRow * Math.max(...nodes.map(rowsOf));
  return [
    ...scans,
    ...(removed > rowsRemoved ? [`removes ${removed} rows by filters, ${rowsRemoved} at most`] : []),
    ...(read > allowed ? [`reads ${read} buffers, ${allowed} at most`] : []),
  ];
}

function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

function isScan(node: PlanNode): boolean {
  const relation = node['Relation Name'];
  if (node['Node Type'] !== 'Seq Scan' || relation === undefined || loopsOf(node) === 0) return false;
  return !tablesOfFixedSize.has(relation) && !relation.startsWith('pg_');
}

function loopsOf(node: PlanNode): number {
  return node['Actual Loops'] ?? 0;
}

/** Only for functions and lists of values: rows of a table count as work. */
function rowsOf(node: PlanNode): number {
  const isGiven = node['Node Type'] === 'Function Scan' || node['Node Type'] === 'Limit';
  return isGiven ? (node['Actual Rows'] ?? 0) * loopsOf(node) : 0;
}

function rowsRemovedBy(node: PlanNode): number {
  const average =
    (node['Rows Removed by Filter'] ?? 0) +
    (node['Rows Removed by Join Filter'] ?? 0) +
    (node['Rows Removed by Index Recheck'] ?? 0);
  return average * loopsOf(node);
}
