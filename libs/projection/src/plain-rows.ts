import type { Transaction } from '@catalogue/postgres';
import type { Effects, Model, Tracked } from './model.ts';

/** The SQL type of each column that a service adds to those of `Tracked`. */
export type PlainColumns<Row extends Tracked> = {
  readonly [Name in Exclude<keyof Row, keyof Tracked> & string]: string;
};

const tracked = { id: 'text', version: 'integer', eventId: 'text', parked: 'boolean' };

/**
 * How a model reads and writes rows that are stored as they are: the table has a column `event_id`, and for each other member of a
 * row one of the same name. Values are sent as JSON. A model whose rows are stored otherwise has its own statements.
 */
export function plainRows<Row extends Tracked>(
  table: string,
  columns: PlainColumns<Row>,
): Pick<Model<Row>, 'insertMissing' | 'lock' | 'write' | 'prepare'> {
  const members = Object.entries<string>({ ...tracked, ...columns });
  const columnOf = (member: string) => (member === 'eventId' ? 'event_id' : member);
  const columnNames = members.map(([member]) => columnOf(member)).join(', ');
  const values = members.map(([member]) => `"${member}"`).join(', ');
  const record = members.map(([member, type]) => `"${member}" ${type}`).join(', ');
  const selected = members.map(([member]) => `${columnOf(member)} as "${member}"`).join(', ');
  const changed = members.filter(([member]) => member !== 'id');
  const assigned = changed.map(([member]) => `${columnOf(member)} = given."${member}"`).join(', ');

  const given = (tx: Transaction, rows: readonly Row[]) =>
    tx`jsonb_to_recordset(${tx.json(rows as never)}) as given (${tx.unsafe(record)})`;
  const insert = async (tx: Transaction, generation: number, rows: readonly Row[]) => {
    await tx`
      insert into ${tx.unsafe(table)} (generation, ${tx.unsafe(columnNames)})
      select ${generation}, ${tx.unsafe(values)} from ${given(tx, rows)} order by id collate "C"`;
  };
  const update = async (tx: Transaction, generation: number, rows: readonly Row[]) => {
    await tx`
      update ${tx.unsafe(table)} kept set ${tx.unsafe(assigned)}
      from ${given(tx, rows)} where kept.generation = ${generation} and kept.id = given.id`;
  };
  return {
    insertMissing: async (tx, generation, ids) => {
      await tx`
        insert into ${tx.unsafe(table)} (generation, id)
        select ${generation}, id from unnest(${ids}::text[]) id order by id collate "C"
        on conflict do nothing`;
    },
    lock: async (tx, generation, ids) =>
      await tx<Row[]>`
        select ${tx.unsafe(selected)}
        from (select id as wanted from unnest(${ids}::text[]) id order by id collate "C") wanted
        cross join lateral (
          select * from ${tx.unsafe(table)} where generation = ${generation} and id = wanted limit 1 for update
        ) found`,
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
