import type { Sql } from '@catalogue/postgres';
import { readArguments } from '@catalogue/service';
import { itemStates } from '../machine/item.ts';
import { operatePromotion } from '../tables/operations.ts';
import { listItems, listStanding, readLog } from '../tables/lists.ts';
import { readPromotion } from '../tables/promotion-row.ts';

export const help = `Promotions:
  list                     list promotions that are not over, the most urgent first
  show <id>                show a promotion with its items and its log
  retry <id>               try failed items again
  keep <id>                keep the promoted prices, and end the promotion
  cancel <id>              before the start: no price changes; afterwards: give every price back
`;

const names = ['list', 'show', 'retry', 'keep', 'cancel'] as const;
export type PromotionCommand = (typeof names)[number];

export function isPromotionCommand(name: string | undefined): name is PromotionCommand {
  return names.some((known) => known === name);
}

/** Reads the id of a promotion; undefined for `list`. Ends the process if the arguments are others. */
export function idOf(command: PromotionCommand, typed: readonly string[]): string | undefined {
  const isId = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
  const faultOf = (text: string) =>
    isId.test(text) ? undefined : `${command} needs the id of a promotion, as list shows it`;
  return readArguments(typed, { usage: help, positionals: command === 'list' ? 0 : 1, faultOf }).positionals[0];
}

/** Runs a command of the operator's tool; returns its output. @throws {Error} whose message says why it did nothing. */
export async function runPromotionCommand(
  sql: Sql,
  command: PromotionCommand,
  id: string | undefined,
): Promise<string> {
  if (command === 'list' || id === undefined) return await list(sql);
  if (command === 'show') return await show(sql, id);
  const operated = await operatePromotion(sql, id, command);
  if (operated === 'not-found') throw new Error(`There is no promotion ${id}`);
  if (operated === 'version-mismatch') throw new Error('The promotion has changed meanwhile: try again');
  if ('refused' in operated) throw new Error(operated.refused);
  return `Promotion ${id} is now ${operated.row.state}\n`;
}

async function list(sql: Sql): Promise<string> {
  const rows = await listStanding(sql, 200);
  if (rows.length === 0) return 'Every promotion is over\n';
  const lines = rows.map(({ id, state, dueAt, name, reason }) =>
    [id, state.padEnd(15), (dueAt?.toISOString() ?? 'waits for you').padEnd(24), name, reason ?? '']
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

const itemsShown = 20;

async function show(sql: Sql, id: string): Promise<string> {
  const view = await readPromotion(sql, id);
  if (view === undefined) throw new Error(`There is no promotion ${id}`);
  const { row, items } = view;
  const lines = [
    `${row.name}: ${row.state}${row.reason === null ? '' : ` (${row.reason})`}`,
    `from ${row.startsAt.toISOString()} until before ${row.endsBefore.toISOString()}`,
    `due ${row.dueAt?.toISOString() ?? 'never: it is over, or waits for you'}`,
    `items: ${itemStates
      .filter((state) => items[state] > 0)
      .map((state) => `${items[state]} ${state}`)
      .join(', ')}`,
  ];
  for (const state of ['failed', 'kept', 'refused'] as const) {
    for (const item of await listItems(sql, id, { limit: itemsShown, after: '', state })) {
      lines.push(`  ${state} ${item.product}: ${item.reason ?? ''}`);
    }
  }
  for (const { at, to, cause } of await readLog(sql, id)) lines.push(`${at.toISOString()}  ${to.padEnd(15)}  ${cause}`);
  return `${lines.join('\n')}\n`;
}
