import type { PartitionState } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import type { Dependencies, DependencyState } from '@catalogue/service';
import type { PatientDatabase } from './consume/retry.ts';
import type { SchemaWait } from './consume/schema-wait.ts';
import type { FollowedGeneration, Generations } from './consume/generations.ts';

/** Events. With a larger lag, a worker is catching up: at 5 000 events/s it is 100 behind at any moment. */
const maxLagWhenUp = 1000;

export interface Observed {
  sql: Sql;
  database: PatientDatabase;
  generations: Generations;
  schemas: SchemaWait;
}

/** The worker's dependencies and progress. Only the serving generation decides whether the worker is ready. */
export function dependenciesOf({ sql, database, generations, schemas }: Observed): Dependencies {
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
    ...(schemas.isNeeded ? { 'schema registry': () => schemaState(schemas) } : {}),
    projection: () => {
      const { serving } = generations;
      return serving === undefined
        ? { status: 'starting', detail: 'Asking which generation serves' }
        : projectionState(serving);
    },
    'other generations': () => othersState(generations.followed.filter(({ state }) => state !== 'serving')),
  };
}

/** Up while no message waits: known schemas need no registry. */
function schemaState({ reason }: SchemaWait): DependencyState {
  return reason === undefined ? { status: 'up' } : { status: 'down', detail: `Messages wait: ${reason}` };
}

function projectionState(followed: FollowedGeneration): DependencyState {
  const { stopped, held, lag, partitions } = progressOf(followed);
  if (stopped.length > 0) return { status: 'down', detail: stopped.join('; ') };
  const detail = `Generation ${followed.generation}: ${partitions} partitions, ${describe(lag)} events behind${held}`;
  return { status: isFarBehind(lag) ? 'catching-up' : 'up', detail };
}

/** Never makes the worker unready: no reader sees these generations. */
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

/** The number of events that these partitions have not applied; undefined while one is unknown. */
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
