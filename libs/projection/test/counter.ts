// The smallest read model: how many events each product has.
import { readFileSync } from 'node:fs';
import { connect } from '@catalogue/postgres';
import type { Model, Tracked } from '../src/index.ts';

export interface Counter extends Tracked {
  events: number;
}

export const counterModel: Model<Counter> = {
  name: 'counter',
  tables: [{ name: 'counters' }],
  compared: ['id', 'version', 'events'],
  empty: (id) => ({ id, version: 0, eventId: null, parked: false, events: 0 }),
  evolve: (counter) => ({ ...counter, events: counter.events + 1 }),
  insertMissing: async (tx, generation, ids) => {
    await tx`
      insert into counters (generation, id) select ${generation}, id from unnest(${ids}::text[]) id order by id collate "C"
      on conflict do nothing`;
  },
  lock: async (tx, generation, ids) =>
    await tx<Counter[]>`
    select id, version, event_id as "eventId", parked, events
    from (select id as wanted from unnest(${ids}::text[]) id order by id collate "C") wanted
    cross join lateral (select * from counters where generation = ${generation} and id = wanted limit 1 for update) counter`,
  write: (tx, generation, { rows }) => {
    const inserted = rows.filter(({ before }) => before === undefined).map(({ after }) => after);
    const updated = rows.filter(({ before }) => before !== undefined).map(({ after }) => after);
    const columns = (counters: readonly Counter[]) => tx`
      unnest(${counters.map(({ id }) => id)}::text[], ${counters.map(({ version }) => version)}::int[],
        ${counters.map(({ eventId }) => eventId)}::text[], ${counters.map(({ parked }) => String(parked))}::text[],
        ${counters.map(({ events }) => events)}::int[]) as counted (id, version, event_id, parked, events)`;
    const insert = async () => {
      await tx`
        insert into counters (generation, id, version, event_id, parked, events)
        select ${generation}, id, version, event_id, parked::boolean, events from ${columns(inserted)} order by id collate "C"`;
    };
    const update = async () => {
      await tx`
        update counters set version = counted.version, event_id = counted.event_id, parked = counted.parked::boolean,
          events = counted.events
        from ${columns(updated)} where counters.generation = ${generation} and counters.id = counted.id`;
    };
    return { sent: [...(inserted.length > 0 ? [insert()] : []), ...(updated.length > 0 ? [update()] : [])] };
  },
  serve: async (tx, generation) => {
    await tx.unsafe(
      `create or replace view counters_shown as select id, version, events from counters where generation = ${generation}`,
    );
  },
};

export async function migrateCounters(dsn: string): Promise<void> {
  const sql = connect(dsn, { name: 'migrate counters', max: 1 });
  await sql.unsafe(readFileSync(new URL('counters.sql', import.meta.url), 'utf8'));
  await sql.end();
}
