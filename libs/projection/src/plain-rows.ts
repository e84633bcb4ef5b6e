import { getTableColumns, getTableName } from 'drizzle-orm';
import type { PgTable } from 'drizzle-orm/pg-core';
import type { Transaction } from '@catalogue/postgres';
import type { Effects, Model, Tracked } from './model.ts';
import { plainColumn, quoted } from './plain-column.ts';

/** A table in Drizzle with `trackedColumns` (`libs/projection-schema`) and one column for each further member of a row. */
export type PlainTable = PgTable & { $inferSelect: Tracked & { generation: number } };

/** A row of such a table, in memory. */
export type PlainRow<Table extends PlainTable> = Omit<Table['$inferSelect'], 'generation'> & Tracked;

/** The members that the projection does not track. */
type OwnMembers<Table extends PlainTable> = Omit<PlainRow<Table>, keyof Tracked>;

type PlainPart = 'tables' | 'compared' | 'empty' | 'insertMissing' | 'lock' | 'write' | 'prepare';

/** Members that depend on when events arrived, so a rebuild does not compare them. */
const uncompared = ['eventId', 'parked'];

/**
 * The part of a model that reads and writes its rows unchanged in one table. Drizzle's columns give the names and types
 * of the values. A model that stores its rows in another form has its own statements.
 * @param initial the values before the product's first event; the columns need no defaults.
 */
export function plainRows<Table extends PlainTable>(
  table: Table,
  initial: OwnMembers<Table>,
): Pick<Model<PlainRow<Table>>, PlainPart> {
  type Row = PlainRow<Table>;
  const { generation: _, ...members } = getTableColumns(table as PgTable);
  const columns = Object.entries(members).map(([member, column]) => plainColumn(member, column));
  const changed = columns.filter(({ member }) => member !== 'id');
  const name: string = getTableName(table);
  const list = (of: typeof columns, each: (column: (typeof columns)[number]) => string) => of.map(each).join(', ');
  const names = list(columns, (column) => column.name);
  const selected = list(columns, (column) => `${column.selected} as ${quoted(column.member)}`);
  const values = list(columns, (column) => `given.${column.name}::${column.type}`);
  const assigned = list(changed, (column) => `${column.name} = given.${column.name}::${column.type}`);

  const empty = (id: string) => ({ ...initial, id, version: 0, eventId: null, parked: false }) as Row;
  const given = (tx: Transaction, rows: readonly Row[]) => {
    const arrays = columns.map(({ member, encode }, index) => {
      const texts = rows.map((row) => encode(row[member as keyof Row]));
      return index === 0 ? tx`${texts}::text[]` : tx`, ${texts}::text[]`;
    });
    return tx`unnest(${arrays}) as given (${tx.unsafe(names)})`;
  };
  const insert = async (tx: Transaction, generation: number, rows: readonly Row[], onConflict = '') => {
    await tx`
      insert into ${tx(name)} (generation, ${tx.unsafe(names)})
      select ${generation}, ${tx.unsafe(values)} from ${given(tx, rows)} order by given.id collate "C"
      ${tx.unsafe(onConflict)}`;
  };
  const update = async (tx: Transaction, generation: number, rows: readonly Row[]) => {
    await tx`
      update ${tx(name)} kept set ${tx.unsafe(assigned)}
      from ${given(tx, rows)} where kept.generation = ${generation} and kept.id = given.id`;
  };
  return {
    tables: [{ name }],
    compared: columns.filter(({ member }) => !uncompared.includes(member)).map((column) => column.name),
    empty,
    insertMissing: (tx, generation, ids) => insert(tx, generation, ids.map(empty), 'on conflict do nothing'),
    lock: async (tx, generation, ids) => {
      const rows = await tx<Record<string, unknown>[]>`
        select ${tx.unsafe(selected)}
        from (select id as wanted from unnest(${ids}::text[]) id order by id collate "C") wanted
        cross join lateral (
          select * from ${tx(name)} where generation = ${generation} and id = wanted limit 1 for update
        ) found`;
      return rows.map(
        (row) => Object.fromEntries(columns.map(({ member, decode }) => [member, decode(row[member])])) as Row,
      );
    },
    write: (tx, generation, { rows }: Effects<Row>) => {
      const inserted = rows.filter(({ before }) => before === undefined).map(({ after }) => after);
      const updated = rows.filter(({ before }) => before !== undefined).map(({ after }) => after);
      return {
        sent: [
          ...(inserted.length > 0 ? [insert(tx, generation, inserted)] : []),
          ...(updated.length > 0 ? [update(tx, generation, updated)] : []),
        ],
      };
    },
    prepare: (tx, generation) => [insert(tx, generation, [])],
  };
}
