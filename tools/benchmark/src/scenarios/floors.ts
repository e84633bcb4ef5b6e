import { commitsPerSecond, commitTool } from '../floors/commits.ts';
import { coresUsed, cpuTimes } from '../processes.ts';
import type { Scenario } from './scenario.ts';

const clientsOf = (count: number, one: string) => `${count} ${one}${count === 1 ? '' : 's'}`;

/** PostgreSQL alone: a commit for each row, on the event store's server. */
export function commits(clients: number): Scenario {
  return {
    name: `commits-${clients}`,
    title: `Floor: single-row commits, ${clientsOf(clients, 'client')} of ${commitTool}`,
    mode: 'write',
    targets: [],
    measure: async ({ times, commitsDb }) => {
      await commitsPerSecond(commitsDb.dsn, clients, times.warmUp);
      const from = cpuTimes();
      const perSecond = await commitsPerSecond(commitsDb.dsn, clients, times.duration);
      const to = cpuTimes();
      return { perSecond, ...coresUsed(from, to) };
    },
  };
}

/** HTTP alone: the route of a create, answered at once. */
export function route(connections: number): Scenario {
  return {
    name: `route-${connections}`,
    title: `Floor: the route without the store, ${clientsOf(connections, 'connection')}`,
    mode: 'write',
    targets: [],
    measure: async (bed) => {
      const job = { connections, expected: 201, requests: { kind: 'create' } } as const;
      const { measured } = await bed.loadOn('route', { ...bed.times, ...job, port: bed.floorRoute.port });
      return measured;
    },
  };
}
