import type { PartitionState } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import type { Dependencies, DependencyState } from '@catalogue/service';
import type { PatientDatabase } from './consume/database-retry.ts';
import type { FollowedGeneration, Generations } from './consume/generations.ts';

/** Behind by more than this, a worker says so: 5 000 events/s are 100 behind at any moment. */
const maxLagWhenUp = 1000;

export interface Observed {
  sql: Sql;
  database: PatientDatabase;
  generations: Generations;
}

/** What the worker depends on, and how far it is. The generation that serves decides whether it is ready. */
export function dependenciesOf({ sql, database, generations }: Observed): Dependencies {
  return {
    'read model': async () => {
      if (database.away !== undefined) return { status: 'down', detail: `Waiting for the database: ${database.away}` };
      await sql`select 1 from consumer_offsets limit 0`;
      return { status: 'up' };
    },
    kafka: () => {
      const consumer = generations.serving?.consumer;
      if (consumer?.problem !== undefined) return { status: 'down', detail: consumer.problem };
      return consumer?.isConnected() ? { status: 'up' } : { status: 'starting', detail: 'Joining the consumer group' };
    },
    projection: () => {
      const { serving } = generations;
      return serving === undefined
        ? { status: 'starting', detail: 'Asking which generation serves' }
        : projectionState(serving);
    },
    'other generations': () => othersState(generations.followed.filter(({ state }) => state !== 'serving')),
  };
}

function projectionState(followed: FollowedGeneration): DependencyState {
  const { stopped, held, lag, partitions } = progressOf(followed);
  if (stopped.length > 0) return { status: 'down', detail: stopped.join('; ') };
  const detail = `Generation ${followed.generation}: ${partitions} partitions, ${describe(lag)} events behind${held}`;
  return { status: isFarBehind(lag) ? 'catching-up' : 'up', detail };
}

/** Never a reason to be not ready: no reader sees them. */
function othersState(others: readonly FollowedGeneration[]): DependencyState {
  if (others.length === 0) return { status: 'up', detail: 'None' };
  const progress = others.map((followed) => ({ ...followed, ...progressOf(followed) }));
  const detail = progress
    .map(({ generation, state, partitions, lag, held, stopped }) =>
      [
        `Generation ${generation} (${state}): ${partitions} partitions, ${describe(lag)} events behind${held}`,
        ...stopped,
      ].join('; '),
    )
    .join('. ');
  const isBehind = progress.some(({ lag, stopped }) => isFarBehind(lag) || stopped.length > 0);
  return { status: isBehind ? 'catching-up' : 'up', detail };
}

/** Events that the log has and these partitions do not; undefined while that of one is not known. */
export function totalLag(partitions: readonly PartitionState[]): number | undefined {
  return partitions.reduce<number | undefined>(
    (sum, { lag }) => (sum === undefined || lag === undefined ? undefined : sum + lag),
    0,
  );
}

function progressOf({ consumer }: FollowedGeneration) {
  const partitions = consumer.partitions();
  const held = partitions
    .filter((partition) => partition.held > 0)
    .map(({ partition, next, held: messages }) => `${messages} in partition ${partition} at offset ${next}`);
  return {
    partitions: partitions.length,
    held: held.length === 0 ? '' : `, held back by an open transaction: ${held.join(', ')}`,
    lag: totalLag(partitions),
    stopped: partitions.flatMap(({ stopped }) => stopped ?? []),
  };
}

function isFarBehind(lag: number | undefined): boolean {
  return lag === undefined || lag > maxLagWhenUp;
}

function describe(lag: number | undefined): string {
  return lag === undefined ? 'it is not known how many' : `${lag}`;
}
