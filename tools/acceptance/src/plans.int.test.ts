import { type PostgresVersion, plannedPostgresVersions } from '@catalogue/local-stack';
import { expect, test } from 'vitest';
import { useServices, useTools } from './plans/every-statement.ts';
import { growTables } from './plans/grown-tables.ts';
import { faultsOf } from './plans/plan-rules.ts';
import { isMadeFrom, sourceStatements } from './plans/source-statements.ts';
import { type LoggedStatement, readStatements, settingsOfStatementLog } from './plans/statement-log.ts';
import { System } from './system.ts';

/** Statements that are not sent while services and tools are used as here; none reads a table that grows by an index. */
const unsent = [
  /^select pg_try_advisory_lock|drizzle\.__drizzle_migrations/, // Of migrations, from before the tables are there.
  /^with slowest as|^update cursors set|^update log_origin|^select count\(\*\) as events, max/, // Adopts a restored log: rewrites it.
  /^select set_config/, // A limit of the transaction.
  /^select next from consumer_offsets/, // After another worker moved the offset.
  /^update consumer_offsets o set unreadable/, // An operator lets a partition go on that holds nothing that can be read.
  /^update consumer_offsets set attempts = attempts - 1/, // After a batch that failed.
  /^select count\(\*\) <=/, // Counts products in a range of prices, by their index, once the tables are analysed.
  /^select names\.id, folded from \(/, // And reads names that have grams in that range.
  /^select from pg_stat_activity/, // Asks whether a relay stands by, while the leading one is stuck.
];

/**
 * price-history, promotions, which alone appends within a transaction, and plain rows have their own tests of costs
 * (`costs.int.test.ts`, `plain-rows-plans.int.test.ts`).
 */
const notUsedHere =
  /^(?:apps\/(?:price-history|promotions)\/|libs\/event-store\/src\/append-within\.ts|libs\/projection\/src\/plain-rows\.ts)/;

test.each(plannedPostgresVersions())(
  'every statement uses an index on PostgreSQL %i, although its tables grew from empty without analyze',
  async (version) => {
    const statements = await statementsOn(version);
    expect([...Map.groupBy(statements, ({ text }) => text).values()].flatMap(worstOf)).toEqual([]);

    const texts = [...new Set(statements.map(({ text }) => text))];
    const unseen = sourceStatements()
      .filter((source) => !texts.some((text) => isMadeFrom(source, text)))
      .filter(({ name }) => !notUsedHere.test(name))
      .filter(({ parts: [begin = ''] }) => !unsent.some((pattern) => pattern.test(begin)));
    expect(unseen).toEqual([]);
  },
  900_000, // On two cores with a load of 20 it took 220 to 400 s.
);

/** What is wrong with the runs of one statement, with one of them as the example; empty when all went by indexes. */
function worstOf(runs: readonly LoggedStatement[]): string[] {
  const faulty = runs.flatMap((run) => faultsOf(run).slice(0, 1));
  const [{ application, text }] = runs as [LoggedStatement];
  return faulty
    .slice(0, 1)
    .map((fault) => `${application} ${fault}, in ${faulty.length} of ${runs.length} runs: ${text}`);
}

/** What services and tools sent once the tables had grown: with the plans of sessions from before that, and of new ones. */
async function statementsOn(version: PostgresVersion): Promise<LoggedStatement[]> {
  await using system = await System.start({
    postgresVersion: version,
    withPrices: true,
    postgresSettings: { ...settingsOfStatementLog, autovacuum: 'off' },
  });
  await useServices(system);
  await growTables(system);
  const since = new Date();
  await useServices(system);
  for (const service of system.running) {
    await service.stop();
    await service.start();
  }
  await useServices(system);
  await useTools(system);
  const servers = ['write-db', 'read-db'] as const;
  const logged = await Promise.all(servers.map((server) => readStatements(system.dataOf(server), since)));
  return logged.flat().filter(({ application }) => application !== '' && application !== 'acceptance');
}
