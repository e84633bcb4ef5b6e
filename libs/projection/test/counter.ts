// The smallest read model: how many events each product has.
import { readFileSync } from 'node:fs';
import { connect } from '@catalogue/postgres';
import { integer, pgTable } from 'drizzle-orm/pg-core';
import { type Model, type PlainRow, plainRows, trackedColumns } from '../src/index.ts';

const counters = pgTable('counters', { ...trackedColumns, events: integer().notNull() });

export type Counter = PlainRow<typeof counters>;

export const counterModel: Model<Counter> = {
  name: 'counter',
  ...plainRows(counters, { events: 0 }),
  evolve: (counter) => ({ ...counter, events: counter.events + 1 }),
  serve: async (tx, generation) => {
    await tx.unsafe(
      `create or replace view counters_shown as select id, version, events from counters where generation = ${generation}`,
    );
  },
};

export async function migrateCounters(dsn: string): Promise<void> {
  const sql = connect(dsn, { name: 'migrate counters', max: 1 });
  for (const file of ['../../projection-schema/first-migration.sql', 'counters.sql']) {
    await sql.unsafe(readFileSync(new URL(file, import.meta.url), 'utf8'));
  }
  await sql.end();
}
