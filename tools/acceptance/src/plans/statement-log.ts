import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A node of a plan from `explain (analyze, buffers, format json)`; rows are averages over its loops. */
export interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows'?: number;
  'Actual Loops'?: number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Join Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  'Shared Hit Blocks'?: number;
  'Shared Read Blocks'?: number;
  Plans?: PlanNode[];
}

/** A statement that a service sent, with its execution. */
export interface LoggedStatement {
  /** The session's `application_name`. */
  application: string;
  text: string;
  plan: PlanNode;
  at: Date;
}

/** Settings that make a server log the plan of every statement to the files that `readStatements` reads. */
export const settingsOfStatementLog = {
  // Sessions that write long messages to one pipe would mix them.
  logging_collector: 'on',
  log_destination: 'jsonlog',
  log_timezone: 'UTC',
  session_preload_libraries: 'auto_explain',
  'auto_explain.log_min_duration': '0',
  'auto_explain.log_analyze': 'on',
  'auto_explain.log_buffers': 'on',
  'auto_explain.log_timing': 'off',
  'auto_explain.log_format': 'json',
};

/** The statements that a server with these settings has executed since a time. */
export async function readStatements(data: string, since: Date): Promise<LoggedStatement[]> {
  const folder = join(data, 'log');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  const statements: LoggedStatement[] = [];
  for (const name of files) {
    for await (const line of createInterface({ input: createReadStream(join(folder, name)) })) {
      const statement = parse(line);
      if (statement !== undefined && statement.at >= since) statements.push(statement);
    }
  }
  return statements;
}

function parse(line: string): LoggedStatement | undefined {
  if (!line.includes(' plan:\\n')) return undefined;
  const entry = JSON.parse(line) as { timestamp: string; application_name?: string; message: string };
  const [, json] = /^duration: .* plan:\n(.*)$/s.exec(entry.message) ?? [];
  if (json === undefined) return undefined;
  const { 'Query Text': text, Plan: plan } = JSON.parse(json) as { 'Query Text': string; Plan: PlanNode };
  const at = new Date(entry.timestamp.replace(' UTC', 'Z').replace(' ', 'T'));
  return { application: entry.application_name ?? '', text: text.trim().replaceAll(/\s+/g, ' '), plan, at };
}
