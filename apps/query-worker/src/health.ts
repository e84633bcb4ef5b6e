import type { Consumer } from '@catalogue/kafka';
import type { Sql } from '@catalogue/postgres';
import type { Dependencies, DependencyState } from '@catalogue/service';
import type { PatientDatabase } from './retry.ts';

/** Behind by more than this, a worker says so: 5 000 events/s are 100 behind at any moment. */
const catchingUpFrom = 1000;

export interface Observed {
  sql: Sql;
  database: PatientDatabase;
  consumer: Consumer;
}

/** What the worker depends on, and how far it is. */
export function dependenciesOf({ sql, database, consumer }: Observed): Dependencies {
  return {
    'read model': async () => {
      if (database.away !== undefined) return { status: 'down', detail: `Waiting for the database: ${database.away}` };
      await sql`select 1 from consumer_offsets limit 0`;
      return { status: 'up' };
    },
    kafka: () => {
      if (consumer.problem !== undefined) return { status: 'down', detail: consumer.problem };
      return consumer.isConnected() ? { status: 'up' } : { status: 'starting', detail: 'Joining the consumer group' };
    },
    projection: () => projectionState(consumer),
  };
}

function projectionState(consumer: Consumer): DependencyState {
  const partitions = consumer.partitions();
  const stopped = partitions.flatMap(({ stopped: reason }) => reason ?? []);
  if (stopped.length > 0) return { status: 'down', detail: stopped.join('; ') };
  const lag = partitions.reduce((sum, partition) => sum + (partition.lag ?? 0), 0);
  const detail = `${partitions.length} partitions, ${lag} events behind`;
  return { status: lag > catchingUpFrom ? 'catching-up' : 'up', detail };
}
