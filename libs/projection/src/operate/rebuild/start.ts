import { errorCode, type Sql, type Transaction } from '@catalogue/postgres';
import type { Model, Table } from '../../model.ts';
import { RefusedError } from '../refused.ts';
import { briefly } from './brief.ts';

const taken = '23505';

/**
 * Creates the next, empty generation and returns its number. All workers begin within a second to fill it from the
 * first offset.
 * @throws {RefusedError} when another one is being filled.
 */
export async function startRebuild(sql: Sql, { tables }: Model): Promise<number> {
  try {
    return await briefly(sql, async (tx) => {
      // Dropped generations keep their row: a reused number would also reuse the consumer group.
      const [row] = await tx<{ generation: number }[]>`
        insert into generations (generation, state) select max(generation) + 1, 'filling' from generations
        returning generation`;
      const { generation } = row as { generation: number };
      for (const table of tables) await attachPartition(tx, table, generation);
      return generation;
    });
  } catch (error) {
    if (errorCode(error) !== taken) throw error;
    const message = 'A generation is being filled already: "rebuild status" shows it, "rebuild drop" ends it';
    throw new RefusedError(message, { cause: error });
  }
}

/** Created separately and attached: `create table … partition of` would lock readers and workers out of the table. */
async function attachPartition(tx: Transaction, { name, storage }: Table, generation: number) {
  const partition = `${name}_g${generation}`;
  const options = storage === undefined ? '' : `with (${storage})`;
  await tx.unsafe(`create table ${partition} (like ${name} including all) ${options}`);
  await tx.unsafe(`alter table ${name} attach partition ${partition} for values in (${generation})`);
}
