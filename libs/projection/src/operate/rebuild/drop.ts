import type { Sql } from '@catalogue/postgres';
import type { Generation } from '@catalogue/projection-schema';
import type { Model } from '../../model.ts';
import { RefusedError } from '../refused.ts';
import { briefly } from './brief.ts';

/**
 * Deletes a generation that does not serve, with all its data; its consumers end within a second.
 * @throws {RefusedError} if it serves or does not exist, or if its locks were not free for 30 s.
 */
export async function dropGeneration(sql: Sql, model: Model, generation: number): Promise<void> {
  await briefly(sql, async (tx) => {
    const [found] = await tx<Pick<Generation, 'state'>[]>`
      select state from generations where generation = ${generation} for update`;
    if (found === undefined || found.state === 'dropped')
      throw new RefusedError(`There is no generation ${generation}`);
    if (found.state === 'serving')
      throw new RefusedError(`Generation ${generation} serves: switch to another before it is dropped`);
    await tx`update generations set state = 'dropped' where generation = ${generation}`;
    // Waits for running batches; later ones find no offset to move.
    await tx`delete from consumer_offsets where generation = ${generation}`;
    await tx`delete from parked_events where generation = ${generation}`;
    for (const table of model.unpartitioned ?? []) await tx`delete from ${tx(table)} where generation = ${generation}`;
    await tx.unsafe(`drop table ${model.tables.map(({ name }) => `${name}_g${generation}`).join(', ')}`);
  });
}
